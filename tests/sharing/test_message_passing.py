"""The scheme against the literal equations, and what must not depend on what.

Everything runs in float64 with parameters of unit size, so that attention is far from uniform and the gates from open.
"""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mtlkit.config import Lazy, Spec
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import Compute, Kernels, hand_down
from mtlkit.kernels.recurrence.message_passing import (
    FusionWeights,
    LstmWeights,
    ScorerWeights,
    lstm_prime,
    reference_direct,
    reference_indirect,
    reference_lstm,
)
from mtlkit.kernels.sequences import reverse_within_length, zero_padding
from mtlkit.sharing import MessagePassing, one_way_network
from mtlkit.sharing.communicators import Communicator, DirectCommunicator, IndirectCommunicator, Message
from mtlkit.sharing.message_gate import MessageGate
from mtlkit.sharing.one_way_network import OneWayNetwork
from mtlkit.training.precision import autocast

TASKS = ["movie", "product", "tweet"]
INPUT, STATE, TIME = 4, 5, 6
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [2], [4]])
INPUTS_BTE = torch.randn(3, TIME, INPUT, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

DIRECT: Lazy[Communicator] = Lazy.of(DirectCommunicator, attention_dim=7)
INDIRECT: Lazy[Communicator] = Lazy.of(IndirectCommunicator, attention_dim=7)
both_communicators = pytest.mark.parametrize("communicator", [DIRECT, INDIRECT], ids=lambda lazy: lazy.type)


def build(communicator: Lazy[Communicator], tasks: list[str] = TASKS, **options: Any) -> MessagePassing:
    torch.manual_seed(1)
    scheme = MessagePassing(communicator, STATE, input_dim=INPUT, tasks=tasks, **options).double()
    for parameter in scheme.parameters():
        nn.init.normal_(parameter)
    return scheme


def reference(network: OneWayNetwork, inputs_BTE: Tensor, mask_BT: Tensor, task: str) -> tuple[Tensor, Tensor]:
    """The paper's equations with the parameters of `network`."""
    channel: Any = network.channels[task if network.share == "per_task" else "shared"]
    attention, gate = channel.communicator.attention, channel.gate
    parts = [attention.from_input.weight, attention.from_state.weight, attention.from_source.weight]
    scorer = ScorerWeights(torch.cat(parts, dim=1), attention.score.weight[0])
    fusion = FusionWeights(gate.gate_message.weight, gate.gate_cell.weight, gate.fusion.weight)
    lstms: dict[str, Any] = dict(network.task_lstms.items())
    own = LstmWeights.of(lstms[task])
    if network.shared_lstm is not None:
        shared = reference_lstm(inputs_BTE, LstmWeights.of(network.shared_lstm))
        return reference_indirect(inputs_BTE, shared, mask_BT, own, scorer, fusion)
    assert network.senders is not None
    senders = [reference_lstm(inputs_BTE, LstmWeights.of(lstms[sender])) for sender in network.senders[task]]
    if network.detach_senders:
        senders = [[state_BD.detach() for state_BD in states] for states in senders]
    return reference_direct(inputs_BTE, senders, own, scorer, fusion)


def gradients(scheme: MessagePassing, states_BTD: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """Gradients of a generic scalar, by name, of the parameters and inputs that it depends on."""
    scalar = (states_BTD * torch.arange(1, states_BTD.numel() + 1).view(states_BTD.shape).sin()).sum()
    leaves = {**dict(scheme.named_parameters()), **inputs}
    found = torch.autograd.grad(scalar, list(leaves.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(leaves, found, strict=True) if gradient is not None}


@pytest.mark.parametrize(
    ("communicator", "options"),
    [
        (DIRECT, {}),
        (DIRECT, {"detach_senders": True}),
        (DIRECT, {"share": "per_task"}),
        (Lazy.of(DirectCommunicator, include_self=True), {}),
        (Lazy.of(DirectCommunicator, edges={"movie": ["tweet"], "product": ["movie"], "tweet": TASKS}), {}),
        (INDIRECT, {}),
        (INDIRECT, {"share": "per_task"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("task", TASKS)
def test_split_form_equals_the_equations(communicator: Lazy[Communicator], options: dict[str, Any], task: str) -> None:
    scheme = build(communicator, **options)
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    shared = scheme(inputs_BTE, MASK_BT, task, with_trace=True)
    expected_BTD, expected_weights_BTN = reference(scheme.left_to_right, inputs_BTE, MASK_BT, task)
    expected_BTD = zero_padding(expected_BTD, MASK_BT)

    torch.testing.assert_close(shared.states_BTD, expected_BTD)
    torch.testing.assert_close(shared.trace.weights_BTN, expected_weights_BTN.detach())
    actual = gradients(scheme, shared.states_BTD, inputs=inputs_BTE)
    expected = gradients(scheme, expected_BTD, inputs=inputs_BTE)
    assert actual.keys() == expected.keys() >= {"inputs"}
    for name in actual:
        torch.testing.assert_close(actual[name], expected[name], msg=lambda text, name=name: f"{name}: {text}")


@both_communicators
def test_bidirectional_is_two_networks(communicator: Lazy[Communicator]) -> None:
    scheme = build(communicator, bidirectional=True)
    shared = scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=True)
    assert scheme.right_to_left is not None
    forward_BTD, _ = reference(scheme.left_to_right, INPUTS_BTE, MASK_BT, "movie")
    reversed_BTE = reverse_within_length(INPUTS_BTE, MASK_BT)
    backward_BTD, _ = reference(scheme.right_to_left, reversed_BTE, MASK_BT, "movie")
    expected_BTD = torch.cat([forward_BTD, reverse_within_length(backward_BTD, MASK_BT)], dim=-1)
    assert shared.states_BTD.shape[-1] == scheme.output_dim == 2 * STATE
    torch.testing.assert_close(shared.states_BTD, zero_padding(expected_BTD, MASK_BT))
    assert shared.trace.backward_BTN.shape == shared.trace.weights_BTN.shape


def test_backward_trace_is_in_reading_order() -> None:
    """Equal networks on a palindrome weigh positions in mirror image."""
    scheme = build(INDIRECT, bidirectional=True)
    assert scheme.right_to_left is not None
    scheme.right_to_left.load_state_dict(scheme.left_to_right.state_dict())
    palindrome_BTE = INPUTS_BTE + reverse_within_length(INPUTS_BTE, MASK_BT)
    trace = scheme(palindrome_BTE, MASK_BT, "movie", with_trace=True).trace
    torch.testing.assert_close(trace.backward_BTN[0], trace.weights_BTN[0].flip(0, 1))
    torch.testing.assert_close(trace.backward_BTN[1, :2, :2], trace.weights_BTN[1, :2, :2].flip(0, 1))


@both_communicators
def test_without_fusion_it_is_the_tasks_own_lstm(communicator: Lazy[Communicator]) -> None:
    scheme = build(communicator)
    nn.init.zeros_(scheme.left_to_right.channels["shared"].gate.fusion.weight)
    plain_BTD = scheme.left_to_right.task_lstms["tweet"](INPUTS_BTE)[0]
    states_BTD = scheme(INPUTS_BTE, MASK_BT, "tweet").states_BTD
    torch.testing.assert_close(states_BTD, zero_padding(plain_BTD, MASK_BT))


@both_communicators
@pytest.mark.parametrize("bidirectional", [False, True])
@settings(max_examples=15, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    extra=st.integers(0, 3),
    order=st.randoms(use_true_random=False),
)
def test_padding_and_batch_order_change_nothing(
    communicator: Lazy[Communicator], bidirectional: bool, lengths: list[int], extra: int, order: Any
) -> None:
    scheme = build(communicator, bidirectional=bidirectional).requires_grad_(False)
    rows = [torch.randn(length, INPUT, dtype=torch.float64) for length in lengths]
    alone = [scheme(row[None], torch.ones(1, len(row), dtype=torch.bool), "movie").states_BTD[0] for row in rows]
    order.shuffle(shuffled := list(range(len(rows))))

    width = max(lengths) + extra
    inputs_BTE = torch.full((len(rows), width, INPUT), 1e3, dtype=torch.float64)
    mask_BT = torch.arange(width) < torch.tensor([[lengths[row]] for row in shuffled])
    inputs_BTE[mask_BT] = torch.cat([rows[row] for row in shuffled])
    together_BTD = scheme(inputs_BTE, mask_BT, "movie").states_BTD

    assert not together_BTD[~mask_BT].any()
    for states_TD, row in zip(together_BTD, shuffled, strict=True):
        torch.testing.assert_close(states_TD[: lengths[row]], alone[row])


@both_communicators
def test_weights_sum_to_one_and_ignore_padding(communicator: Lazy[Communicator]) -> None:
    trace = build(communicator)(INPUTS_BTE, MASK_BT, "movie", with_trace=True).trace
    torch.testing.assert_close(trace.weights_BTN.sum(dim=-1), torch.ones(3, TIME, dtype=torch.float64))
    assert not trace.weights_BTN.requires_grad
    if trace.senders is None:
        assert torch.equal(trace.weights_BTN > 0, MASK_BT.unsqueeze(1).expand(-1, TIME, -1))
    else:
        assert trace.senders == ("product", "tweet")
    assert build(communicator)(INPUTS_BTE, MASK_BT, "movie").trace is None


def test_edges_carry_influence_and_gradient_and_nothing_else_does() -> None:
    edges = {"movie": ["tweet"], "product": ["movie"], "tweet": ["movie"]}
    scheme = build(Lazy.of(DirectCommunicator, edges=edges))
    before_BTD = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
    trained = gradients(scheme, before_BTD)
    assert {name.split(".")[2] for name in trained if "task_lstms" in name} == {"movie", "tweet"}

    def change(task: str) -> Tensor:
        nn.init.normal_(scheme.left_to_right.task_lstms[task].weight_ih_l0)
        states_BTD: Tensor = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
        return states_BTD

    assert torch.equal(change("product"), before_BTD)
    assert not torch.allclose(change("tweet"), before_BTD)


@pytest.mark.parametrize("detach_senders", [False, True])
def test_who_learns_from_a_batch(detach_senders: bool) -> None:
    scheme = build(DIRECT, detach_senders=detach_senders)
    trained = gradients(scheme, scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD)
    own_and_channel = {name for name, _ in scheme.named_parameters() if ".movie." in name or ".channels." in name}
    everything = {name for name, _ in scheme.named_parameters()}
    assert set(trained) == (own_and_channel if detach_senders else everything)
    assert all(gradient.any() for gradient in trained.values())


@both_communicators
@pytest.mark.parametrize("share", ["shared", "per_task"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_parameter_learns_from_some_task(
    communicator: Lazy[Communicator], share: str, bidirectional: bool
) -> None:
    scheme = build(communicator, share=share, bidirectional=bidirectional)
    trained = {
        name
        for task in TASKS
        for name, gradient in gradients(scheme, scheme(INPUTS_BTE, MASK_BT, task).states_BTD).items()
        if gradient.any()
    }
    assert trained == {name for name, _ in scheme.named_parameters()}


@both_communicators
@pytest.mark.parametrize("share", ["shared", "per_task"])
def test_a_parameter_has_one_name(communicator: Lazy[Communicator], share: str) -> None:
    scheme = build(communicator, share=share, bidirectional=True)
    state = scheme.state_dict()
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)
    assert set(state) == {name for name, _ in scheme.named_parameters()}


@pytest.mark.parametrize(
    ("edges", "tasks", "sentence"),
    [
        (None, ["movie"], "task 'movie' has no task to hear: .* at least two tasks"),
        ({"movie": ["tweet"]}, ["movie", "tweet"], "task 'tweet' has no task to hear"),
        ({"movie": ["tweet"], "tweet": []}, ["movie", "tweet"], "task 'tweet' has no task to hear"),
        (
            {"movie": ["twet"], "tweet": ["movie"]},
            ["movie", "tweet"],
            "edges: no task is named 'twet'; did you mean 'tweet'?",
        ),
        ({"movie": ["tweet"], "tweet": ["movie"], "x": ["movie"]}, ["movie", "tweet"], "'x' .the tasks: movie, tweet"),
        ({"movie": ["tweet"] * 2, "tweet": ["movie"]}, ["movie", "tweet"], "edges.movie: a task is named twice: tweet"),
    ],
)
def test_wrong_edges_are_explained(edges: dict[str, list[str]] | None, tasks: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        build(Lazy.of(DirectCommunicator, edges=edges), tasks)


def test_one_task_may_talk_to_itself_or_to_the_mailbox() -> None:
    for communicator in [Lazy.of(DirectCommunicator, include_self=True), INDIRECT]:
        assert build(communicator, ["movie"])(INPUTS_BTE, MASK_BT, "movie").states_BTD.shape == (3, TIME, STATE)


class Wide(Communicator):
    """A third party's: reads the shared network, twice as wide as a state, with a parameter of its own."""

    sources = "shared"

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2 * STATE))
        self.message_dim = 2 * STATE

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> Tensor:
        return torch.cat([zero_padding(sources, mask_BT).amax(dim=1), sources[:, 0]], dim=-1) * self.scale

    def step(self, time: int, previous_BD: Tensor, memory: Tensor) -> Message:
        return Message(memory, memory.new_ones(memory.shape[0], TIME) / TIME)


def test_a_third_communicator_with_wide_messages() -> None:
    scheme = build(Lazy(Wide, Spec()))
    trained = gradients(scheme, scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD)
    assert trained["left_to_right.channels.shared.communicator.scale"].all()


@both_communicators
def test_builds_without_memory(communicator: Lazy[Communicator]) -> None:
    with torch.device("meta"):
        scheme = MessagePassing(communicator, STATE, bidirectional=True, input_dim=INPUT, tasks=TASKS)
        shared = scheme(torch.empty(2, 3, INPUT), torch.ones(2, 3, dtype=torch.bool), "movie", with_trace=True)
    assert all(parameter.is_meta for parameter in scheme.parameters())
    assert shared.states_BTD.shape == (2, 3, 2 * STATE)


@both_communicators
def test_bfloat16_autocast_stays_close_and_differentiable(communicator: Lazy[Communicator]) -> None:
    torch.manual_seed(0)
    scheme = MessagePassing(communicator, 16, input_dim=INPUT, tasks=TASKS)
    exact_BTD = scheme(INPUTS_BTE.float(), MASK_BT, "movie").states_BTD
    with autocast(torch.device("cpu"), "bf16"):
        states_BTD = scheme(INPUTS_BTE.float(), MASK_BT, "movie").states_BTD
    torch.testing.assert_close(states_BTD.float(), exact_BTD, atol=0.02, rtol=0.05)
    assert all(gradient.isfinite().all() for gradient in gradients(scheme, states_BTD).values())


def naive_gates(scheme: MessagePassing, inputs_BTE: Tensor, mask_BT: Tensor, task: str, way: str) -> Tensor:
    """Eqs. 9 to 11 step by step with modules of the scheme, whatever the communicator; the mean of each gate (B, T)."""
    network: Any = getattr(scheme, way)
    channel = network.channels[task if network.share == "per_task" else "shared"]
    if network.senders is None:
        sources = network.shared_lstm(inputs_BTE)[0]
    else:
        sources = torch.stack([network.task_lstms[sender](inputs_BTE)[0] for sender in network.senders[task]], dim=2)
    memory = channel.communicator.prepare(inputs_BTE, sources, mask_BT)
    lstm = LstmWeights.of(network.task_lstms[task])
    h_BD = c_BD = inputs_BTE.new_zeros(len(inputs_BTE), STATE)
    found = []
    for time in range(inputs_BTE.shape[1]):
        r_BM = channel.communicator.step(time, h_BD, memory).content_BM
        pre_BG = torch.cat([inputs_BTE[:, time], h_BD], dim=-1) @ lstm.W_p.T + lstm.b_p
        i_BD, f_BD, z_BD, o_BD = pre_BG.chunk(4, dim=-1)
        c_BD = z_BD.tanh() * i_BD.sigmoid() + c_BD * f_BD.sigmoid()
        g_BD = (r_BM @ channel.gate.gate_message.weight.T + c_BD @ channel.gate.gate_cell.weight.T).sigmoid()
        h_BD = o_BD.sigmoid() * (c_BD + g_BD * (r_BM @ channel.gate.fusion.weight.T)).tanh()
        found.append(g_BD.mean(dim=1))
    return torch.stack(found, dim=1).detach()


class FusedWide(Wide):
    """`Wide` with a fused form of its own."""

    def fused(
        self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor, lstm: nn.LSTM, fusion: FusionWeights, _: Any
    ) -> tuple[Tensor, Tensor]:
        content_BM = self.prepare(inputs_BTE, sources, mask_BT)
        gate = MessageGate(2 * STATE, STATE)
        gate.gate_message.weight, gate.gate_cell.weight, gate.fusion.weight = map(nn.Parameter, fusion)
        weights_BN = content_BM.new_ones(content_BM.shape[0], TIME) / TIME
        states_BTD, weights_TBN = lstm_prime(inputs_BTE, lstm, lambda *_: (content_BM, weights_BN), gate)
        return states_BTD, torch.stack(weights_TBN, dim=1)


GATED: Lazy[Communicator] = Lazy.of(DirectCommunicator, include_self=True)


@pytest.mark.parametrize("kernels", ["plain", "pure", "auto"])
@pytest.mark.parametrize(
    "communicator", [DIRECT, INDIRECT, GATED, Lazy(Wide, Spec()), Lazy(FusedWide, Spec())], ids=lambda lazy: lazy.type
)
@pytest.mark.parametrize("share", ["shared", "per_task"])
def test_gates_of_the_trace_equal_a_walk_through_the_equations(
    kernels: Kernels, communicator: Lazy[Communicator], share: str
) -> None:
    scheme = build(communicator, share=share, bidirectional=True)
    hand_down(scheme, Compute(kernels))
    trace = scheme(INPUTS_BTE, MASK_BT, "tweet", with_trace=True).trace
    expected_BT = naive_gates(scheme, INPUTS_BTE, MASK_BT, "tweet", "left_to_right")
    reversed_BTE = reverse_within_length(INPUTS_BTE, MASK_BT)
    backward_BT = naive_gates(scheme, reversed_BTE, MASK_BT, "tweet", "right_to_left")
    torch.testing.assert_close(trace.gates_BT[MASK_BT], expected_BT[MASK_BT])
    torch.testing.assert_close(trace.backward_gates_BT[MASK_BT], reverse_within_length(backward_BT, MASK_BT)[MASK_BT])
    assert not trace.gates_BT.requires_grad
    assert not trace.backward_gates_BT.requires_grad
    assert expected_BT.std() > 0.02, "they are to differ"


def test_nothing_is_computed_for_gates_that_nobody_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("gates were computed")

    monkeypatch.setattr("mtlkit.sharing.readers.lstm.message_gates", refuse)
    scheme = build(DIRECT)
    scheme(INPUTS_BTE, MASK_BT, "movie")
    with pytest.raises(AssertionError, match="gates were computed"):
        scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=True)


@pytest.mark.parametrize("kernels", ["pure", "plain"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_evaluation_of_long_texts_keeps_no_weights_and_gives_the_same(
    bidirectional: bool, kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = build(INDIRECT, bidirectional=bidirectional).eval()
    hand_down(scheme, Compute(kernels=kernels))
    with torch.no_grad():
        wanted = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
        monkeypatch.setattr(one_way_network, "MOST_WEIGHTS", 3 * TIME * TIME - 1)
        assert scheme.left_to_right(INPUTS_BTE, MASK_BT, "movie").weights_BTN.shape == (3, TIME, 0)
        found = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
        trace = scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=True).trace
    assert trace.weights_BTN.shape == (3, TIME, TIME), "a trace has all of them"
    torch.testing.assert_close(found, wanted)
    assert scheme.left_to_right(INPUTS_BTE, MASK_BT, "movie").weights_BTN.shape[2] == TIME, "training keeps them"
