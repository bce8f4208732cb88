"""Departures of message passing from the paper that are there to be tried: what each does, and that fast forms agree.

Everything runs in float64 with parameters of unit size.
"""

from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.config import Lazy, Spec
from mtlkit.encoders import BilstmEncoder
from mtlkit.errors import ComponentError, ConfigError
from mtlkit.kernels.compute import Compute, Kernels, hand_down, what_ran
from mtlkit.kernels.recurrence.message_passing import FusionWeights, lstm_prime
from mtlkit.kernels.sequences import zero_padding
from mtlkit.sharing import MessagePassing
from mtlkit.sharing.communicators import Communicator, DirectCommunicator, IndirectCommunicator
from mtlkit.sharing.communicators.communicator import Message
from mtlkit.sharing.message_gate import MessageGate
from tests.sharing.test_controls import ALIGNED, DIRECT, INPUT, INPUTS_BTE, LAYER, MASK_BT, STATE, TASKS, TIME, build

INDIRECT: Lazy[Communicator] = Lazy.of(IndirectCommunicator)
TOLD: Lazy[Communicator] = Lazy.of(DirectCommunicator, task_embeddings=True, attention_dim=7)
TOLD_ALL: Lazy[Communicator] = Lazy.of(DirectCommunicator, task_embeddings=True, positions="all")


def run(scheme: Any, kernels: Kernels, task: str) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """States, weights of the messages, and gradients of a generic scalar by name."""
    hand_down(scheme, Compute(kernels))
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    shared = scheme(inputs_BTE, MASK_BT, task, with_trace=True)
    scalar = (shared.states_BTD * torch.arange(1, shared.states_BTD.numel() + 1).view(3, TIME, -1).sin()).sum()
    leaves = {**dict(scheme.named_parameters()), "inputs": inputs_BTE}
    found = torch.autograd.grad(scalar, list(leaves.values()), allow_unused=True)
    kept = {name: gradient for name, gradient in zip(leaves, found, strict=True) if gradient is not None}
    return shared.states_BTD.detach(), shared.trace.weights_BTN, kept


@pytest.mark.parametrize("communicator", [TOLD, TOLD_ALL], ids=str)
@pytest.mark.parametrize("kernels", ["pure", "auto"])
def test_a_scorer_that_is_told_the_tasks_gives_the_same_in_every_form(
    communicator: Lazy[Communicator], kernels: Kernels
) -> None:
    scheme = build(communicator)
    plain, fused = (run(scheme, each, "product") for each in ("plain", kernels))
    torch.testing.assert_close(fused, plain)
    told = [name for name in plain[2] if "task_embeddings" in name]
    assert len(told) == 2 and all(plain[2][name].any() for name in told)


@pytest.mark.parametrize("communicator", [TOLD, TOLD_ALL], ids=str)
def test_longer_steps_change_nothing_for_it(communicator: Lazy[Communicator], monkeypatch: pytest.MonkeyPatch) -> None:
    """As with CUDA graphs, which round steps up."""
    scheme = build(communicator)
    wanted = run(scheme, "pure", "tweet")
    monkeypatch.setattr("mtlkit.kernels.recurrence.pure.PureRecurrence.padded", lambda self, steps: steps + -steps % 8)
    torch.testing.assert_close(run(scheme, "pure", "tweet"), wanted)


def test_the_scores_are_those_of_the_equation_with_listener_and_speaker() -> None:
    """u . tanh(W [x; h; m] + listener + speaker), pair by pair."""
    network = build(TOLD).left_to_right
    incoming = network.incoming(INPUTS_BTE, MASK_BT, "product")
    attention = network.channels["shared"].communicator.attention
    embeddings = network.channels["shared"].communicator.task_embeddings
    previous_BD = torch.randn(3, STATE, dtype=torch.float64)
    memory = incoming.communicator.prepare(INPUTS_BTE, incoming.sources, MASK_BT)
    found_BN = incoming.communicator.step(2, previous_BD, memory).weights_BN
    parts = [attention.from_input.weight, attention.from_state.weight, attention.from_source.weight]
    scores = []
    for place, speaker in enumerate(("movie", "tweet")):
        whole = torch.cat([INPUTS_BTE[:, 2], previous_BD, incoming.sources[:, 2, place]], dim=1)
        told = embeddings.listening[TASKS.index("product")] + embeddings.speaking[TASKS.index(speaker)]
        scores.append((whole @ torch.cat(parts, dim=1).T + told).tanh() @ attention.score.weight[0])
    torch.testing.assert_close(found_BN, torch.stack(scores, dim=1).softmax(dim=1))


def test_networks_that_say_the_same_differ_for_a_scorer_that_is_told() -> None:
    """Without the names of the tasks, equal states have equal weights, and every listener the same."""
    for communicator, differ in ((DIRECT, False), (TOLD, True)):
        scheme = build(communicator)
        lstms = scheme.left_to_right.task_lstms
        for lstm in lstms.values():
            lstm.load_state_dict(lstms["movie"].state_dict())
        product, tweet = (scheme(INPUTS_BTE, MASK_BT, task, with_trace=True).trace for task in ("product", "tweet"))
        halves = torch.full((3, TIME, 2), 0.5, dtype=torch.float64)
        assert torch.allclose(product.weights_BTN, halves) != differ
        assert torch.allclose(product.weights_BTN, tweet.weights_BTN) != differ


def test_it_is_told_with_every_reader_and_refuses_one_that_does_not_tell() -> None:
    scheme = build(TOLD, reader=LAYER)
    assert any("task_embeddings" in name for name in run(scheme, "auto", "movie")[2])
    incoming = scheme.left_to_right.incoming(INPUTS_BTE, MASK_BT, "movie")
    with pytest.raises(ComponentError, match=r"must read `Incoming.communicator`"):
        incoming.channel.communicator.prepare(INPUTS_BTE, incoming.sources, MASK_BT)


def test_vectors_of_tasks_begin_small_and_are_two_for_each_task() -> None:
    built = TOLD.build(input_dim=INPUT, state_dim=STATE, tasks=TASKS)
    tables = [built.task_embeddings.listening, built.task_embeddings.speaking]  # type: ignore[union-attr]
    assert all(table.shape == (3, 7) and 0 < table.abs().max() <= 7**-0.5 for table in tables)


@pytest.mark.parametrize("communicator", [DIRECT, INDIRECT], ids=str)
def test_a_bias_of_the_gate_is_in_the_equation(communicator: Lazy[Communicator]) -> None:
    scheme = build(communicator, gate_bias=-2.0)
    hand_down(scheme, Compute("pure"))
    network = scheme.left_to_right
    shared = scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=True)
    assert what_ran(scheme)["recurrence"] == "pure"
    assert "recurrence" in MessagePassing.operations_of(
        Lazy.of(MessagePassing, communicator=communicator, gate_bias=-2.0)
    )
    incoming, gate = network.incoming(INPUTS_BTE, MASK_BT, "movie"), network.channels["shared"].gate
    memory, gates = incoming.communicator.prepare(INPUTS_BTE, incoming.sources, MASK_BT), []

    def fuse(cell_BD: Tensor, content_BM: Tensor) -> Tensor:
        weights: FusionWeights = gate.weights()
        gates.append((content_BM @ weights.W_r.T + cell_BD @ weights.W_c.T + gate.bias_D).sigmoid())
        return cell_BD + gates[-1] * (content_BM @ weights.W_f.T)

    lstm = network.task_lstms["movie"]
    expected_BTD, _ = lstm_prime(INPUTS_BTE, lstm, lambda *now: incoming.communicator.step(*now, memory), fuse)
    torch.testing.assert_close(shared.states_BTD, zero_padding(expected_BTD, MASK_BT))
    torch.testing.assert_close(shared.trace.gates_BT, torch.stack(gates, dim=1).mean(dim=2).detach())


@pytest.mark.parametrize("communicator", [DIRECT, INDIRECT, ALIGNED, TOLD_ALL], ids=str)
@pytest.mark.parametrize("kernels", ["pure", "auto"])
def test_a_bias_of_the_gate_gives_the_same_in_every_form(communicator: Lazy[Communicator], kernels: Kernels) -> None:
    scheme = build(communicator, gate_bias=-2.0)
    fused = run(scheme, kernels, "product")
    assert "step by step" not in what_ran(scheme)["recurrence"]
    plain = run(scheme, "plain", "product")
    torch.testing.assert_close(fused, plain)
    (bias,) = (name for name in plain[2] if name.endswith("gate_message.bias"))
    assert plain[2][bias].all()


class FusedWithoutBias(Communicator):
    """As a plugin's from before there was a bias of the gate: its fused form would leave it out."""

    sources = "shared"

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> Any:
        return sources.unbind(1)

    def step(self, time: int, previous_BD: Tensor, memory: Any) -> Message:
        return Message(memory[time], memory[time].new_ones(len(previous_BD), TIME) / TIME)

    def fused(self, *arguments: Any) -> Any:  # type: ignore[override]
        raise AssertionError("not with a bias")


def test_a_fused_form_that_does_not_take_the_bias_is_not_asked() -> None:
    communicator: Lazy[Communicator] = Lazy(FusedWithoutBias, Spec())
    scheme = build(communicator, gate_bias=-2.0)
    hand_down(scheme, Compute("pure"))
    scheme(INPUTS_BTE, MASK_BT, "movie")
    assert what_ran(scheme)["recurrence"] == "step by step"
    settings = Lazy.of(MessagePassing, communicator=communicator, gate_bias=-2.0)
    assert "recurrence" not in MessagePassing.operations_of(settings)
    with pytest.raises(AssertionError, match="not with a bias"):
        build(communicator)(INPUTS_BTE, MASK_BT, "movie")


def test_the_bias_of_a_gate_begins_as_told_and_0_is_no_other_network() -> None:
    assert torch.equal(MessageGate(3, 4, bias=-2.0).gate_message.bias, torch.full((4,), -2.0))
    assert MessageGate(3, 4).bias_D is None
    with_bias, without = build(INDIRECT, gate_bias=0.0), build(INDIRECT)
    weights = without.state_dict()
    (bias,) = with_bias.state_dict().keys() - weights.keys()
    with_bias.load_state_dict({**weights, bias: torch.zeros(STATE)})
    states = [scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD for scheme in (with_bias, without)]
    torch.testing.assert_close(*states)


@pytest.mark.parametrize("communicator", [DIRECT, INDIRECT], ids=str)
def test_dropout_of_messages_takes_the_same_units_at_all_steps_and_only_in_training(
    communicator: Lazy[Communicator],
) -> None:
    scheme, without = build(communicator, message_dropout=0.5), build(communicator)
    with torch.no_grad():
        whole = scheme.left_to_right._sources(INPUTS_BTE, MASK_BT, "movie")
        dropped = scheme.left_to_right.incoming(INPUTS_BTE, MASK_BT, "movie").sources
        again = scheme.left_to_right.incoming(INPUTS_BTE, MASK_BT, "movie").sources
    factors = dropped / whole
    assert torch.equal(factors.round(decimals=6), factors[:, :1].expand_as(factors).round(decimals=6))
    assert {0.0, 2.0} == set(factors.round(decimals=6).unique().tolist())
    assert not torch.equal(dropped, again), "each batch has a draw of its own"
    states = [each.eval()(INPUTS_BTE, MASK_BT, "movie").states_BTD for each in (scheme, without)]
    assert torch.equal(*states)


@pytest.mark.parametrize("options", [{}, {"reader": LAYER}, {"speaker": Lazy.of(BilstmEncoder, hidden_dim=4)}], ids=str)
def test_a_shared_speaker_learns_from_every_listener_and_each_task_says_something_of_its_own(
    options: dict[str, Any],
) -> None:
    scheme = build(DIRECT, speakers="shared", **options)
    network = scheme.left_to_right
    sources = network.incoming(INPUTS_BTE, MASK_BT, "movie").sources
    spoken_BTD = network._speaking.speak(network.shared_speaker, INPUTS_BTE, MASK_BT)
    expected = [(spoken_BTD @ network.outputs[task].weight.T + network.outputs[task].bias).tanh() for task in TASKS[1:]]
    torch.testing.assert_close(sources, torch.stack(expected, dim=2))
    for task in TASKS:
        learning = run(scheme, "auto", task)[2]
        others = [other for other in TASKS if other != task]
        assert any("shared_speaker" in name for name in learning)
        assert {name.split(".")[2] for name in learning if ".outputs." in name} == set(others)
        assert not any(
            f"networks.{other}" in name or f"lstms.{other}." in name for name in learning for other in others
        )
    torch.testing.assert_close(run(scheme, "plain", "movie"), run(scheme, "pure", "movie"))


def test_what_a_shared_speaker_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="detach_senders: nothing would train the speaker that all tasks share"):
        build(DIRECT, speakers="shared", detach_senders=True)
    with pytest.raises(ConfigError, match="speakers: has no use, since the communicator 'indirect' reads a mailbox"):
        build(INDIRECT, speakers="shared")
