"""Networks in threads against the same networks one by one: the same bits, outputs and every gradient."""

import threading
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from mtlkit.encoders import BilstmEncoder, CnnEncoder, Encoder, LstmEncoder, encode_side_by_side
from mtlkit.kernels.compute import Compute
from mtlkit.kernels.networks_in_threads import in_threads, one_by_one
from mtlkit.kernels.side_by_side import run_side_by_side
from mtlkit.training.precision import autocast

NETWORKS, BATCH, TIME, INPUT, STATE = 5, 3, 7, 4, 6
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [3], [1]])


each_number = pytest.mark.parametrize("threads", [1, 2, 3, 8])


TWO_AT_ONCE = Compute(network_threads=2)


def lstms(dtype: torch.dtype = torch.float64) -> list[nn.LSTM]:
    torch.manual_seed(1)
    return [nn.LSTM(INPUT, STATE, batch_first=True).to(dtype) for _ in range(NETWORKS)]


def states(lstm: nn.LSTM, inputs_BTE: Tensor) -> Tensor:
    states_BTD: Tensor = lstm(inputs_BTE)[0]
    return states_BTD


def inputs(dtype: torch.dtype = torch.float64) -> Tensor:
    torch.manual_seed(2)
    return torch.randn(NETWORKS, BATCH, TIME, INPUT, dtype=dtype, requires_grad=True)


def parameters(networks: Sequence[nn.Module]) -> list[Tensor]:
    return [parameter for network in networks for parameter in network.parameters()]


def gradients(outputs: Sequence[Tensor], leaves: Sequence[Tensor]) -> list[Tensor | None]:
    whole = torch.stack(list(outputs))
    generic = torch.arange(1, whole.numel() + 1).view(whole.shape).sin()
    return list(torch.autograd.grad((whole * generic).sum(), leaves, retain_graph=True, allow_unused=True))


def assert_same_bits(actual: Sequence[Tensor | None], expected: Sequence[Tensor | None]) -> None:
    for one, other in zip(actual, expected, strict=True):
        assert (one is None) == (other is None)
        assert one is None or other is None or (one.dtype == other.dtype and torch.equal(one, other))


@each_number
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("same_input", [False, True])
def test_outputs_and_gradients_are_those_of_one_by_one(threads: int, dtype: torch.dtype, same_input: bool) -> None:
    networks, inputs_KBTE = lstms(dtype), inputs(dtype)
    given = (inputs_KBTE[0].expand(NETWORKS, -1, -1, -1) if same_input else inputs_KBTE).unbind(0)
    leaves = [inputs_KBTE, *parameters(networks)]
    actual, expected = in_threads(networks, states, given, threads), one_by_one(networks, states, given)
    assert_same_bits(actual, expected)
    found = gradients(actual, leaves)
    assert_same_bits(found, gradients(expected, leaves))
    assert_same_bits(found, gradients(actual, leaves))  # the way back leaves what it reads as it was


@each_number
def test_gradients_add_up_in_parameters(threads: int) -> None:
    networks, inputs_KBTE = lstms(), inputs().detach()
    expected = gradients(one_by_one(networks, states, inputs_KBTE.unbind(0)), parameters(networks))
    outputs = in_threads(networks, states, inputs_KBTE.unbind(0), threads)
    torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs], retain_graph=True)
    first = [parameter.grad.clone() for parameter in parameters(networks) if parameter.grad is not None]
    torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
    assert len(first) == len(expected)
    assert_same_bits([parameter.grad for parameter in parameters(networks)], [2 * own for own in first])
    with pytest.raises(RuntimeError, match="second time"):  # what the graph kept is free
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])


@each_number
def test_what_is_frozen_or_not_read_gets_no_gradient(threads: int) -> None:
    networks, inputs_KBTE = lstms(), inputs().detach()
    networks[1].requires_grad_(False)
    networks[2].weight_ih_l0.requires_grad_(False)
    given, leaves = inputs_KBTE.unbind(0), [own for own in parameters(networks) if own.requires_grad]
    actual, expected = in_threads(networks, states, given, threads), one_by_one(networks, states, given)
    assert [own.requires_grad for own in actual] == [own.requires_grad for own in expected]
    assert not actual[1].requires_grad
    read = [0, 1, 2, 3]
    assert_same_bits(*(gradients([outputs[place] for place in read], leaves) for outputs in (actual, expected)))


@each_number
def test_modes_are_passed_on(threads: int) -> None:
    networks, given = lstms(torch.float32), inputs(torch.float32).unbind(0)
    seen = []

    def look(lstm: nn.LSTM, inputs_BTE: Tensor) -> Tensor:
        seen.append((torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"), torch.get_num_threads()))
        return states(lstm, inputs_BTE)

    with torch.no_grad():
        assert not any(output.requires_grad for output in in_threads(networks, look, given, threads))
    with torch.inference_mode():
        assert all(output.is_inference() for output in in_threads(networks, look, given, threads))
    with autocast(torch.device("cpu"), "bf16"):
        actual, expected = in_threads(networks, look, given, threads), one_by_one(networks, states, given)
        assert_same_bits(actual, expected)
    leaves = parameters(networks)
    for one, other in zip(gradients(actual, leaves), gradients(expected, leaves), strict=True):
        # Where oneDNN has no LSTM in bfloat16, the gradients of steps are added up in bfloat16, in another order.
        torch.testing.assert_close(one, other, rtol=2**-7, atol=2**-9)
    modes = [(False, False, 1), (True, False, 1), (False, True, 1)]
    assert seen == [mode for mode in modes for _ in range(NETWORKS)]
    assert torch.get_num_threads() == 1


@each_number
def test_a_failure_is_told_and_does_no_harm(threads: int) -> None:
    networks = lstms()

    def fail(lstm: nn.LSTM, inputs_BTE: Tensor) -> Tensor:
        place = networks.index(lstm)
        if place in (1, 3):
            raise ValueError(f"network {place}")
        return states(lstm, inputs_BTE)

    with pytest.raises(ValueError, match="network"):
        in_threads(networks, fail, inputs().unbind(0), threads)
    given = inputs().unbind(0)
    assert_same_bits(in_threads(networks, states, given, threads), one_by_one(networks, states, given))


@pytest.mark.parametrize(("kind", "has_threads"), [(LstmEncoder, True), (BilstmEncoder, True), (CnnEncoder, False)])
def test_encoders_side_by_side(kind: type[Encoder], has_threads: bool) -> None:
    encoders = [kind(STATE, input_dim=INPUT).double() for _ in range(NETWORKS)]  # type: ignore[call-arg]
    inputs_KBTE, names = inputs(), set()
    encoders[0].register_forward_hook(lambda *_: names.add(threading.current_thread().name))
    leaves = [inputs_KBTE, *parameters(encoders)]
    actual_KBTD = encode_side_by_side(encoders, inputs_KBTE, MASK_BT, TWO_AT_ONCE)
    expected = [encoder(own, MASK_BT) for encoder, own in zip(encoders, inputs_KBTE.unbind(0), strict=True)]
    assert torch.equal(actual_KBTD, torch.stack(expected))
    assert_same_bits(gradients(actual_KBTD.unbind(0), leaves), gradients(expected, leaves))
    assert any(name.startswith("mtlkit-network") for name in names) == has_threads


def test_senders_side_by_side() -> None:
    networks, inputs_KBTE = lstms(), inputs()
    leaves = [inputs_KBTE, *parameters(networks)]
    actual = run_side_by_side(networks, inputs_KBTE, TWO_AT_ONCE)
    expected = one_by_one(networks, states, inputs_KBTE.unbind(0))
    assert "InThreads" in type(actual[0].grad_fn).__name__
    assert_same_bits(actual, expected)
    assert_same_bits(gradients(actual, leaves), gradients(expected, leaves))
