"""Controls of message passing, which leave out or add one thing: against the literal equations, and that they do what
they say.

Everything runs in float64 with parameters of unit size, so that attention is far from uniform and the gates from open.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.encoders import BilstmEncoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import Compute, Kernels, hand_down, what_ran
from mtlkit.kernels.recurrence.message_passing import (
    FusionWeights,
    LstmWeights,
    ScorerWeights,
    reference_direct,
    reference_indirect,
    reference_lstm,
)
from mtlkit.kernels.sequences import zero_padding
from mtlkit.sharing import MessagePassing
from mtlkit.sharing.communicators import (
    AlignedCommunicator,
    Communicator,
    DirectCommunicator,
    IndirectCommunicator,
)
from mtlkit.sharing.readers import LayerReader

TASKS = ["movie", "product", "tweet"]
INPUT, STATE, TIME = 4, 6, 5
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [2], [4]])
INPUTS_BTE = torch.randn(3, TIME, INPUT, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

DIRECT: Lazy[Communicator] = Lazy.of(DirectCommunicator)
ALL_POSITIONS: Lazy[Communicator] = Lazy.of(DirectCommunicator, attention_dim=7, positions="all")
INDIRECT: Lazy[Communicator] = Lazy.of(IndirectCommunicator, attention_dim=7)
ALIGNED: Lazy[Communicator] = Lazy.of(AlignedCommunicator)
OWN = {"mailbox": "per_task", "share": "per_task"}
CONTROLS = [(ALL_POSITIONS, {}), (ALIGNED, {}), (INDIRECT, OWN), (ALIGNED, OWN)]
each_control = pytest.mark.parametrize(("communicator", "options"), CONTROLS, ids=str)
LAYER = Lazy.of(LayerReader, layer=Lazy.of(BilstmEncoder, hidden_dim=STATE // 2))


def build(communicator: Lazy[Communicator], **options: Any) -> Any:
    torch.manual_seed(1)
    size = {} if "reader" in options else {"hidden_dim": STATE}
    scheme = MessagePassing(communicator, **size, **options, input_dim=INPUT, tasks=TASKS).double()
    for parameter in scheme.parameters():
        nn.init.normal_(parameter)
    return scheme


def reference(scheme: Any, inputs_BTE: Tensor, task: str) -> tuple[Tensor, Tensor]:
    """The states, and the weights of all that a step weighs, by the paper's equations over the control's sources."""
    network = scheme.left_to_right
    channel = network.channels[task if network.share == "per_task" else "shared"]
    gate, attention = channel.gate, getattr(channel.communicator, "attention", None)
    fusion = FusionWeights(gate.gate_message.weight, gate.gate_cell.weight, gate.fusion.weight)
    own = LstmWeights.of(network.task_lstms[task])
    if network.senders is not None:
        speaking = [network.task_lstms[sender] for sender in network.senders[task]]
    else:
        speaking = [network.shared_lstm if network.mailboxes is None else network.mailboxes[task]]
    senders = [reference_lstm(inputs_BTE, LstmWeights.of(lstm)) for lstm in speaking]
    if attention is None:
        scorer = ScorerWeights(torch.randn(1, INPUT + 2 * STATE).double(), torch.randn(1).double())
        return reference_direct(inputs_BTE, senders, own, scorer, fusion)
    parts = [attention.from_input.weight, attention.from_state.weight, attention.from_source.weight]
    scorer = ScorerWeights(torch.cat(parts, dim=1), attention.score.weight[0])
    every = [states[time] for time in range(TIME) for states in senders]
    valid_BS = torch.stack([MASK_BT[:, time] for time in range(TIME) for _ in senders], dim=1)
    return reference_indirect(inputs_BTE, every, valid_BS, own, scorer, fusion)


def gradients(scheme: Any, states_BTD: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """Gradients of a generic scalar, by name, of the parameters and inputs that it depends on."""
    scalar = (states_BTD * torch.arange(1, states_BTD.numel() + 1).view(states_BTD.shape).sin()).sum()
    leaves = {**dict(scheme.named_parameters()), **inputs}
    found = torch.autograd.grad(scalar, list(leaves.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(leaves, found, strict=True) if gradient is not None}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name in found:
        torch.testing.assert_close(found[name], expected[name], msg=lambda text, name=name: f"{name}: {text}")


@each_control
@pytest.mark.parametrize("kernels", ["plain", "pure", "auto"])
def test_every_form_equals_the_equations(
    communicator: Lazy[Communicator], options: dict[str, Any], kernels: Kernels
) -> None:
    scheme = build(communicator, **options)
    hand_down(scheme, Compute(kernels))
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    shared = scheme(inputs_BTE, MASK_BT, "product", with_trace=True)
    expected_BTD, every_BTS = reference(scheme, inputs_BTE, "product")
    expected_BTD = zero_padding(expected_BTD, MASK_BT)
    torch.testing.assert_close(shared.states_BTD, expected_BTD)
    assert_same(
        gradients(scheme, shared.states_BTD, inputs=inputs_BTE), gradients(scheme, expected_BTD, inputs=inputs_BTE)
    )
    if communicator is ALIGNED:
        expected_BTN = torch.diag_embed(MASK_BT.double())
    elif communicator is ALL_POSITIONS:
        expected_BTN = sum(every_BTS[..., first : first + 2] for first in range(0, 2 * TIME, 2))  # two senders
        assert shared.trace.senders == ("movie", "tweet")
    else:
        expected_BTN = every_BTS
    torch.testing.assert_close(shared.trace.weights_BTN, expected_BTN.detach())
    assert ("step by step" in what_ran(scheme)["recurrence"]) == (kernels == "plain")


@each_control
def test_gates_of_a_trace_do_not_depend_on_the_kernels(
    communicator: Lazy[Communicator], options: dict[str, Any]
) -> None:
    scheme, found = build(communicator, bidirectional=True, **options), []
    for kernels in ("plain", "pure"):
        hand_down(scheme, Compute(kernels))  # type: ignore[arg-type]
        trace = scheme(INPUTS_BTE, MASK_BT, "tweet", with_trace=True).trace
        found.append([each[MASK_BT] for each in (trace.gates_BT, trace.backward_gates_BT, trace.backward_BTN)])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("reader", [{}, {"reader": LAYER}], ids=str)
def test_nothing_but_the_words_is_shared_with_a_mailbox_of_ones_own(reader: dict[str, Any]) -> None:
    scheme = build(INDIRECT, **OWN, **reader)
    before_BTD = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
    trained = {name for name, gradient in gradients(scheme, before_BTD).items() if gradient.any()}
    of_movie = {name for name, _ in scheme.named_parameters() if ".movie." in name}
    assert trained == of_movie and all(f".{task}." in name for name in trained for task in ["movie"])
    for name, parameter in scheme.named_parameters():
        if ".movie." not in name:
            nn.init.normal_(parameter, std=3)
    assert torch.equal(scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD, before_BTD)
    assert not torch.equal(scheme(INPUTS_BTE, MASK_BT, "tweet").states_BTD, before_BTD)


def test_a_mailbox_of_each_tasks_own_still_shares_the_scorer_unless_told() -> None:
    scheme = build(INDIRECT, mailbox="per_task")
    trained = gradients(scheme, scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD)
    assert {name for name in trained if "mailboxes" in name} == {
        name for name, _ in scheme.named_parameters() if "mailboxes.movie." in name
    }
    assert any("channels.shared" in name for name in trained)


def test_each_task_has_as_much_as_with_a_shared_mailbox() -> None:
    one, own = build(INDIRECT), build(INDIRECT, mailbox="per_task")
    mailbox = sum(each.numel() for each in one.left_to_right.shared_lstm.parameters())
    sizes = [sum(each.numel() for each in scheme.parameters()) for scheme in (one, own)]
    assert sizes[1] - sizes[0] == (len(TASKS) - 1) * mailbox


def messages_from(communicator: Lazy[Communicator], sources: Tensor, time: int) -> Tensor:
    built = communicator.build(input_dim=INPUT, state_dim=STATE, tasks=TASKS).double()
    memory = built.prepare(INPUTS_BTE, sources, MASK_BT)
    return built.step(time, torch.ones(3, STATE, dtype=torch.float64), memory).content_BM


def test_which_positions_a_message_is_made_of() -> None:
    """The gradient of the message at step 1 by the states of each position, for the row of full length."""
    torch.manual_seed(0)
    read = {
        "aligned": (ALIGNED, torch.randn(3, TIME, STATE).double()),
        "indirect": (INDIRECT, torch.randn(3, TIME, STATE).double()),
        "direct": (DIRECT, torch.randn(3, TIME, 2, STATE).double()),
        "direct, all": (ALL_POSITIONS, torch.randn(3, TIME, 2, STATE).double()),
    }
    found = {}
    for name, (communicator, sources) in read.items():
        sources.requires_grad_()
        (gradient,) = torch.autograd.grad(messages_from(communicator, sources, 1).sin().sum(), sources)
        found[name] = [gradient[row].flatten(1).any(dim=1).nonzero().flatten().tolist() for row in range(3)]
    everything = [[0, 1, 2, 3, 4], [0, 1], [0, 1, 2, 3]]
    assert found == {"aligned": [[1]] * 3, "indirect": everything, "direct": [[1]] * 3, "direct, all": everything}


def test_direct_communication_of_all_positions_weighs_all_but_keeps_a_weight_per_sender() -> None:
    scheme = build(ALL_POSITIONS)
    network = scheme.left_to_right
    assert network.incoming(INPUTS_BTE, MASK_BT, "movie").num_weights == 3 * TIME * TIME * 2
    trace = scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=True).trace
    assert trace.weights_BTN.shape == (3, TIME, 2)
    torch.testing.assert_close(trace.weights_BTN.sum(dim=2), torch.ones(3, TIME, dtype=torch.float64))


@pytest.mark.parametrize("communicator", [ALL_POSITIONS, ALIGNED], ids=str)
def test_long_texts_without_weights_give_the_same(
    communicator: Lazy[Communicator], monkeypatch: pytest.MonkeyPatch
) -> None:
    for options in ({}, {"reader": LAYER}):
        scheme = build(communicator, **options).eval()
        with torch.no_grad():
            wanted_BTD = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
            with monkeypatch.context() as context:
                context.setattr("mtlkit.sharing.one_way_network.MOST_WEIGHTS", 1)
                found = scheme.left_to_right(INPUTS_BTE, MASK_BT, "movie")
        torch.testing.assert_close(zero_padding(found.states_BTD, MASK_BT), wanted_BTD)


def test_what_has_no_mailbox_has_none_per_task() -> None:
    with pytest.raises(
        ConfigError, match=r"mailbox: has no use, since the communicator 'direct' reads .* leave it out"
    ):
        build(DIRECT, mailbox="per_task")


def test_mailboxes_of_tasks_are_no_shared_layer() -> None:
    with pytest.raises(ConfigError, match="each mailbox belongs to a task"):
        MessagePassing.shared_layer(Lazy.of(MessagePassing, communicator=INDIRECT, mailbox="per_task"))


def test_a_mailbox_that_is_read_without_a_scorer_has_no_scope_of_it() -> None:
    layer = MessagePassing.shared_layer(Lazy.of(MessagePassing, communicator=ALIGNED))
    assert list(layer.scopes) == ["lstm", "all_shared"]
