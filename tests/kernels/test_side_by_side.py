"""One recurrence for several networks against torch's LSTMs one by one."""

import pytest
import torch
from torch import Tensor, nn

from mtlkit.encoders import BilstmEncoder, Encoder, LstmEncoder
from mtlkit.encoders.side_by_side import both_ways_side_by_side, encode_side_by_side
from mtlkit.kernels.sequences import zero_padding
from mtlkit.kernels.side_by_side import batched, run_backward, run_forward, run_side_by_side
from mtlkit.training.precision import autocast

NETWORKS, BATCH, TIME, INPUT, STATE = 3, 2, 5, 4, 6
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [3]])


def networks(number: int = NETWORKS, size: int = STATE) -> list[nn.LSTM]:
    torch.manual_seed(1)
    return [nn.LSTM(INPUT, size, batch_first=True).double() for _ in range(number)]


def inputs(number: int = NETWORKS, batch: int = BATCH, steps: int = TIME) -> Tensor:
    torch.manual_seed(2)
    return torch.randn(number, batch, steps, INPUT, dtype=torch.float64, requires_grad=True)


def parameters(lstms: list[nn.LSTM]) -> list[Tensor]:
    return [parameter for lstm in lstms for parameter in lstm.parameters()]


def gradients(states_KBTD: Tensor, leaves: list[Tensor]) -> tuple[Tensor, ...]:
    generic = torch.arange(1, states_KBTD.numel() + 1).view(states_KBTD.shape).sin()
    return torch.autograd.grad((states_KBTD * generic).sum(), leaves)


@pytest.mark.parametrize(("number", "batch", "steps", "size"), [(3, 2, 5, 6), (1, 1, 1, 1), (2, 4, 9, 3)])
@pytest.mark.parametrize("same_input", [False, True])
def test_batched_is_one_by_one(number: int, batch: int, steps: int, size: int, same_input: bool) -> None:
    lstms, inputs_KBTE = networks(number, size), inputs(number, batch, steps)
    read_KBTE = inputs_KBTE[:1].expand(number, -1, -1, -1) if same_input else inputs_KBTE
    leaves = [inputs_KBTE, *parameters(lstms)]
    actual_KBTD = batched(lstms, read_KBTE, run_forward, run_backward)
    expected_KBTD = torch.stack(run_side_by_side(lstms, read_KBTE))
    torch.testing.assert_close(actual_KBTD, expected_KBTD)
    torch.testing.assert_close(gradients(actual_KBTD, leaves), gradients(expected_KBTD, leaves))


def test_batched_under_autocast_stays_close() -> None:
    lstms, inputs_KBTE = [lstm.float() for lstm in networks()], inputs().float()
    expected_KBTD = batched(lstms, inputs_KBTE, run_forward, run_backward)
    with autocast(torch.device("cpu"), "bf16"):
        actual_KBTD = batched(lstms, inputs_KBTE, run_forward, run_backward)
    assert actual_KBTD.dtype == torch.float32
    torch.testing.assert_close(actual_KBTD, expected_KBTD, atol=0.02, rtol=0.05)


@pytest.mark.parametrize("kind", [LstmEncoder, BilstmEncoder])
def test_encoders_side_by_side_are_encoders_one_by_one(kind: type[Encoder]) -> None:
    encoders = [kind(STATE, input_dim=INPUT).double() for _ in range(NETWORKS)]  # type: ignore[call-arg]
    inputs_KBTE = inputs()
    expected_KBTD = torch.stack([encoder(own, MASK_BT) for encoder, own in zip(encoders, inputs_KBTE, strict=True)])
    assert torch.equal(encode_side_by_side(encoders, inputs_KBTE, MASK_BT), expected_KBTD)


def test_both_ways_in_one_recurrence() -> None:
    encoders = [BilstmEncoder(STATE, input_dim=INPUT).double() for _ in range(NETWORKS)]
    inputs_KBTE = inputs()
    expected_KBTD = torch.stack([encoder(own, MASK_BT) for encoder, own in zip(encoders, inputs_KBTE, strict=True)])
    actual_KBTD = zero_padding(both_ways_side_by_side(encoders, inputs_KBTE, MASK_BT), MASK_BT)
    torch.testing.assert_close(actual_KBTD, expected_KBTD)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_a_gpu_it_is_the_same() -> None:
    lstms, inputs_KBTE = networks(), inputs()
    expected_KBTD = torch.stack(run_side_by_side(lstms, inputs_KBTE))
    expected = gradients(expected_KBTD, parameters(lstms))
    for lstm in lstms:
        lstm.cuda()
    for _ in range(2):  # captured, then replayed
        actual_KBTD = torch.stack(run_side_by_side(lstms, inputs_KBTE.detach().cuda())).cpu()
        torch.testing.assert_close(actual_KBTD, expected_KBTD)
        found = [gradient.cpu() for gradient in gradients(actual_KBTD, parameters(lstms))]
        torch.testing.assert_close(found, list(expected))
