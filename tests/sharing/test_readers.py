"""Readers and speakers of message passing: `layer` against the equations, and what fits together.

Everything runs in float64 with parameters of unit size, so that attention is far from uniform and the gates from open.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, Spec
from mtlkit.encoders import BilstmEncoder, CnnEncoder, Encoder, LstmEncoder, StackedEncoder, TransformerLayerEncoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import what_ran
from mtlkit.kernels.sequences import reverse_within_length, zero_padding
from mtlkit.sharing import MessagePassing, one_way_network
from mtlkit.sharing.communicators import Communicator, DirectCommunicator, IndirectCommunicator, Message
from mtlkit.sharing.readers import LayerReader, LstmReader, Reader
from mtlkit.training.precision import autocast

TASKS = ["movie", "product", "tweet"]
SIZE, TIME = 6, 5
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [2], [4]])
INPUTS_BTE = torch.randn(3, TIME, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

DIRECT: Lazy[Communicator] = Lazy.of(DirectCommunicator, attention_dim=7)
INDIRECT: Lazy[Communicator] = Lazy.of(IndirectCommunicator, attention_dim=7)
BILSTM: Lazy[Encoder] = Lazy.of(BilstmEncoder, hidden_dim=SIZE // 2)
TRANSFORMER: Lazy[Encoder] = Lazy.of(TransformerLayerEncoder, heads=2, feedforward_dim=5)
STACK: Lazy[Encoder] = Lazy.of(StackedEncoder, layers=[TRANSFORMER, TRANSFORMER])
LSTM: Lazy[Encoder] = Lazy.of(LstmEncoder, hidden_dim=SIZE)
both_communicators = pytest.mark.parametrize("communicator", [DIRECT, INDIRECT], ids=lambda lazy: lazy.type)
each_layer = pytest.mark.parametrize("layer", [BILSTM, TRANSFORMER, STACK], ids=lambda lazy: lazy.type)


def reading(layer: Lazy[Encoder]) -> Lazy[Reader]:
    return Lazy.of(LayerReader, layer=layer)


def build(communicator: Lazy[Communicator], tasks: list[str] = TASKS, **options: Any) -> Any:
    torch.manual_seed(1)
    scheme = MessagePassing(communicator, input_dim=SIZE, tasks=tasks, **options).double()
    for parameter in scheme.parameters():
        nn.init.normal_(parameter)
    return scheme


class Mean(Communicator):
    """A third party's, which says what `step` does and nothing else."""

    sources = "tasks"

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(SIZE))

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> Any:
        return sources.unbind(1)

    def step(self, time: int, previous_BD: Tensor, memory: Any) -> Message:
        states_BND = memory[time]
        weights_BN = (states_BND * (previous_BD * self.scale).unsqueeze(1)).sum(dim=2).sigmoid()
        return Message((weights_BN.unsqueeze(2) * states_BND).sum(dim=1), weights_BN)


def equations(network: Any, inputs_BTE: Tensor, mask_BT: Tensor, task: str) -> tuple[Tensor, Tensor, Tensor]:
    """States, weights and gates by eqs. 3 to 8, 10 and 11, position after position and source after source."""
    channel = network.channels[task if network.share == "per_task" else "shared"]
    attention, gate = channel.communicator.attention, channel.gate
    c_BTD = network.task_layers[task](inputs_BTE, mask_BT)
    if network.senders is None:
        mailbox = network.mailbox if network.speaker else network.shared_layer
        sent = [mailbox(inputs_BTE, mask_BT)]
    else:
        speakers = network.speakers if network.speaker else network.task_layers
        sent = [speakers[sender](inputs_BTE, mask_BT) for sender in network.senders[task]]
    states, weights, gates = [], [], []
    for time in range(inputs_BTE.shape[1]):
        c_BD = c_BTD[:, time]
        if network.senders is None:
            sources, valid_BN = list(sent[0].unbind(1)), mask_BT
        else:
            sources, valid_BN = [states_BTD[:, time] for states_BTD in sent], torch.ones(3, len(sent)).bool()
        scores = [
            attention.score(
                (
                    attention.from_input(inputs_BTE[:, time]) + attention.from_state(c_BD) + attention.from_source(m_BD)
                ).tanh()
            )
            for m_BD in sources
        ]
        alpha_BN = torch.cat(scores, dim=1).masked_fill(~valid_BN, -torch.inf).softmax(dim=1)
        r_BD = sum(alpha_BN[:, [n]] * m_BD for n, m_BD in enumerate(sources))
        g_BD = (gate.gate_message(r_BD) + gate.gate_cell(c_BD)).sigmoid()
        states.append(c_BD + g_BD * gate.fusion(r_BD))
        weights.append(alpha_BN)
        gates.append(g_BD.mean(dim=1))
    return torch.stack(states, dim=1), torch.stack(weights, dim=1), torch.stack(gates, dim=1)


def gradients(scheme: Any, states_BTD: Tensor, inputs_BTE: Tensor) -> dict[str, Tensor]:
    """Gradients of a generic scalar, by name, of the parameters and inputs that it depends on."""
    scalar = (states_BTD * torch.arange(1, states_BTD.numel() + 1).view(states_BTD.shape).sin()).sum()
    leaves = {**dict(scheme.named_parameters()), "inputs": inputs_BTE}
    found = torch.autograd.grad(scalar, list(leaves.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(leaves, found, strict=True) if gradient is not None}


@pytest.mark.parametrize("options", [{}, {"share": "per_task"}, {"speaker": STACK}, {"speaker": LSTM}], ids=str)
@both_communicators
@each_layer
def test_a_layer_reads_as_the_equations_say(
    layer: Lazy[Encoder], communicator: Lazy[Communicator], options: dict[str, Any]
) -> None:
    scheme = build(communicator, reader=reading(layer), **options)
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    shared = scheme(inputs_BTE, MASK_BT, "product", with_trace=True)
    states_BTD, weights_BTN, gates_BT = equations(scheme.left_to_right, inputs_BTE, MASK_BT, "product")
    states_BTD = zero_padding(states_BTD, MASK_BT)
    torch.testing.assert_close(shared.states_BTD, states_BTD)
    torch.testing.assert_close(shared.trace.weights_BTN[MASK_BT], weights_BTN[MASK_BT].detach())
    torch.testing.assert_close(shared.trace.gates_BT[MASK_BT], gates_BT[MASK_BT].detach())
    assert not shared.trace.weights_BTN.requires_grad and not shared.trace.gates_BT.requires_grad
    found, wanted = (gradients(scheme, each, inputs_BTE) for each in (shared.states_BTD, states_BTD))
    assert found.keys() == wanted.keys() >= {"inputs"}
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("communicator", [DIRECT, INDIRECT, Lazy(Mean, Spec())], ids=lambda lazy: lazy.type)
def test_all_steps_at_once_give_what_steps_give(communicator: Lazy[Communicator]) -> None:
    scheme = build(communicator, hidden_dim=SIZE)
    incoming = scheme.left_to_right.incoming(INPUTS_BTE, MASK_BT, "movie")
    built = incoming.channel.communicator
    asked_BTD = torch.randn(3, TIME, SIZE, dtype=torch.float64).requires_grad_()
    sources = incoming.sources.detach().requires_grad_()
    memory = built.prepare(INPUTS_BTE, sources, MASK_BT)
    leaves = [asked_BTD, sources, *built.parameters()]
    found, wanted = built.read(asked_BTD, memory), Communicator.read(built, asked_BTD, memory)
    torch.testing.assert_close(found, wanted)
    of_found, of_wanted = (
        torch.autograd.grad(messages.contents_BTM.sin().sum(), leaves, retain_graph=True)
        for messages in (found, wanted)
    )
    torch.testing.assert_close(of_found, of_wanted)


@pytest.mark.parametrize("communicator", [DIRECT, INDIRECT, Lazy(Mean, Spec())], ids=lambda lazy: lazy.type)
@each_layer
def test_without_fusion_a_layer_is_the_tasks_own_encoder(
    layer: Lazy[Encoder], communicator: Lazy[Communicator]
) -> None:
    scheme = build(communicator, reader=reading(layer))
    nn.init.zeros_(scheme.left_to_right.channels["shared"].gate.fusion.weight)
    plain_BTD = scheme.left_to_right.task_layers["tweet"](INPUTS_BTE, MASK_BT)
    torch.testing.assert_close(scheme(INPUTS_BTE, MASK_BT, "tweet").states_BTD, plain_BTD)
    nn.init.normal_(scheme.left_to_right.channels["shared"].gate.fusion.weight)
    assert not torch.allclose(scheme(INPUTS_BTE, MASK_BT, "tweet").states_BTD, plain_BTD), "messages count"


def test_both_ways_are_two_networks_in_reading_order() -> None:
    scheme = build(INDIRECT, reader=reading(LSTM), bidirectional=True)
    shared = scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=True)
    reversed_BTE = reverse_within_length(INPUTS_BTE, MASK_BT)
    states_BTD, weights_BTN, gates_BT = equations(scheme.right_to_left, reversed_BTE, MASK_BT, "movie")
    wanted_BTD = zero_padding(reverse_within_length(states_BTD, MASK_BT), MASK_BT)
    torch.testing.assert_close(shared.states_BTD[..., SIZE:], wanted_BTD)
    torch.testing.assert_close(shared.trace.backward_BTN[0], weights_BTN[0].flip(0, 1).detach())
    wanted_BT = reverse_within_length(gates_BT, MASK_BT).detach()
    torch.testing.assert_close(shared.trace.backward_gates_BT[MASK_BT], wanted_BT[MASK_BT])
    assert scheme.output_dim == 2 * SIZE


@both_communicators
def test_a_speaker_speaks_in_place_of_the_tasks_own_networks(communicator: Lazy[Communicator]) -> None:
    """LSTM' with a speaker that is an LSTM of the same weights gives what it gives without one."""
    without, with_one = (
        build(communicator, hidden_dim=SIZE, speaker=speaker).left_to_right for speaker in (None, LSTM)
    )
    weights = with_one.state_dict()
    names = {f"speakers.{task}.lstm": f"task_lstms.{task}" for task in TASKS} | {"mailbox.lstm": "shared_lstm"}
    for name, tensor in without.state_dict().items():
        for new, old in (*names.items(), ("task_lstms", "task_lstms"), ("channels", "channels")):
            if name.startswith(old) and name.replace(old, new, 1) in weights:
                weights[name.replace(old, new, 1)] = tensor
    with_one.load_state_dict(weights)
    found, wanted = (network(INPUTS_BTE, MASK_BT, "movie") for network in (with_one, without))
    torch.testing.assert_close(found.states_BTD[MASK_BT], wanted.states_BTD[MASK_BT])
    own = {name for name, _ in with_one.named_parameters()}
    assert not any(name.startswith("shared_lstm") for name in own)
    assert any(name.startswith(("speakers.movie.", "mailbox.")) for name in own)


def test_only_tasks_that_are_heard_have_a_speaker() -> None:
    edges = {"movie": ["tweet"], "product": ["movie"], "tweet": ["movie"]}
    scheme = build(Lazy.of(DirectCommunicator, edges=edges), hidden_dim=SIZE, speaker=BILSTM)
    assert set(scheme.left_to_right.speakers) == {"movie", "tweet"}


@both_communicators
@pytest.mark.parametrize("options", [{}, {"speaker": LSTM}, {"share": "per_task"}], ids=str)
def test_every_parameter_learns_from_some_task(communicator: Lazy[Communicator], options: dict[str, Any]) -> None:
    scheme = build(communicator, reader=reading(STACK), **options)
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    trained: set[str] = set()
    for task in TASKS:
        found = gradients(scheme, scheme(inputs_BTE, MASK_BT, task).states_BTD, inputs_BTE)
        trained |= {name for name, gradient in found.items() if gradient.any()}
    assert trained == {name for name, _ in scheme.named_parameters()} | {"inputs"}


def test_detached_layers_leave_no_graph() -> None:
    scheme = build(DIRECT, reader=reading(TRANSFORMER), detach_senders=True)
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    found = gradients(scheme, scheme(inputs_BTE, MASK_BT, "movie").states_BTD, inputs_BTE)
    assert {name.split(".")[2] for name in found if "task_layers" in name} == {"movie"}


@pytest.mark.parametrize("options", [{}, {"speaker": TRANSFORMER}], ids=str)
@both_communicators
def test_evaluation_of_long_texts_keeps_no_weights_and_gives_the_same(
    communicator: Lazy[Communicator], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = build(communicator, reader=reading(BILSTM), **options).eval()
    with torch.no_grad():
        wanted_BTD = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
        monkeypatch.setattr(one_way_network, "MOST_WEIGHTS", 0)
        heard = scheme.left_to_right(INPUTS_BTE, MASK_BT, "movie")
        found_BTD = scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD
        trace = scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=True).trace
    assert communicator is DIRECT or heard.weights_BTN.shape == (3, TIME, 0)
    assert trace.weights_BTN.shape[2] == (2 if communicator is DIRECT else TIME), "a trace has all of them"
    torch.testing.assert_close(found_BTD, wanted_BTD)


def test_a_trace_changes_neither_states_nor_random_numbers() -> None:
    layer: Lazy[Encoder] = Lazy.of(TransformerLayerEncoder, heads=2, dropout=0.5)
    scheme = build(INDIRECT, reader=reading(layer)).train()
    found = []
    for with_trace in (False, True):
        torch.manual_seed(3)
        found.append(scheme(INPUTS_BTE, MASK_BT, "movie", with_trace=with_trace).states_BTD)
    assert torch.equal(*found)


@both_communicators
def test_builds_and_runs_without_memory(communicator: Lazy[Communicator]) -> None:
    with torch.device("meta"):
        scheme = MessagePassing(communicator, reader=reading(STACK), speaker=BILSTM, input_dim=SIZE, tasks=TASKS)
        shared = scheme(torch.empty(2, 3, SIZE), torch.ones(2, 3, dtype=torch.bool), "movie", with_trace=True)
    assert all(parameter.is_meta for parameter in scheme.parameters())
    assert shared.states_BTD.shape == (2, 3, SIZE)


@both_communicators
def test_bfloat16_autocast_stays_close_and_differentiable(communicator: Lazy[Communicator]) -> None:
    torch.manual_seed(0)
    scheme = MessagePassing(communicator, reader=reading(STACK), input_dim=SIZE, tasks=TASKS)
    inputs_BTE = INPUTS_BTE.float().requires_grad_()
    exact_BTD = scheme(inputs_BTE, MASK_BT, "movie").states_BTD
    with autocast(torch.device("cpu"), "bf16"):
        states_BTD = scheme(inputs_BTE, MASK_BT, "movie").states_BTD
    torch.testing.assert_close(states_BTD.float(), exact_BTD, atol=0.05, rtol=0.05)
    assert all(gradient.isfinite().all() for gradient in gradients(scheme, states_BTD, inputs_BTE).values())


def test_no_recurrence_runs_where_none_is_needed() -> None:
    """Nor are its kernels asked for, which a machine may lack."""
    layers: Lazy[Any] = Lazy.of(MessagePassing, communicator=INDIRECT, reader=reading(TRANSFORMER))
    assert MessagePassing.operations_of(layers) == frozenset()
    both_ways: Lazy[Any] = Lazy.of(MessagePassing, communicator=DIRECT, reader=reading(BILSTM))
    assert MessagePassing.operations_of(both_ways) == {"networks", "lstm"}
    default: Lazy[Any] = Lazy.of(MessagePassing, communicator=INDIRECT)
    assert MessagePassing.operations_of(default) == {"recurrence"}
    scheme = build(INDIRECT, reader=reading(TRANSFORMER))
    scheme(INPUTS_BTE, MASK_BT, "movie")
    assert what_ran(scheme) == {}


def test_a_size_that_the_reader_has_no_use_for_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^hidden_dim: has no use, since the reader 'layer' .*; leave it out$"):
        build(INDIRECT, hidden_dim=SIZE, reader=reading(BILSTM))
    build(INDIRECT, reader=reading(BILSTM))


@both_communicators
def test_speakers_of_another_size_are_refused(communicator: Lazy[Communicator]) -> None:
    wide: Lazy[Encoder] = Lazy.of(CnnEncoder, filters=SIZE + 1)
    sentence = rf"^speaker: its states have {SIZE + 1} numbers and those of the reader {SIZE}, .*; make them the same$"
    for options in ({"reader": reading(BILSTM)}, {"reader": Lazy.of(LstmReader), "hidden_dim": SIZE}):
        with pytest.raises(ConfigError, match=sentence):
            build(communicator, speaker=wide, **options)
        build(communicator, speaker=Lazy.of(CnnEncoder, filters=SIZE), **options)


def test_speakers_that_nothing_would_train_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^detach_senders: nothing would train the speaker of task 'movie', .* speaks$"
    ):
        build(DIRECT, reader=reading(BILSTM), speaker=BILSTM, detach_senders=True)
    build(DIRECT, reader=reading(BILSTM), speaker=BILSTM)
    build(DIRECT, reader=reading(BILSTM), detach_senders=True)
    build(Lazy.of(DirectCommunicator, include_self=True), reader=reading(BILSTM), speaker=BILSTM, detach_senders=True)


@pytest.mark.parametrize(
    ("options", "scope", "module"),
    [
        ({"hidden_dim": SIZE}, "lstm", "shared_lstm"),
        ({"hidden_dim": SIZE, "speaker": BILSTM}, "mailbox", "mailbox"),
        ({"reader": reading(STACK)}, "layer", "shared_layer"),
        ({"reader": reading(STACK), "speaker": BILSTM}, "mailbox", "mailbox"),
    ],
)
def test_the_mailbox_is_what_a_new_task_reads(options: dict[str, Any], scope: str, module: str) -> None:
    scheme: Lazy[Any] = Lazy.of(MessagePassing, communicator=INDIRECT, **options)
    layer = MessagePassing.shared_layer(scheme)
    assert list(layer.scopes) == [scope, "attention", "all_shared"]
    assert layer.scopes[scope] == (rf"^sharing\.\w+\.{module}\.",)
    names = {name.split(".")[1] for name, _ in scheme.build(input_dim=SIZE, tasks=TASKS).named_parameters()}
    assert module in names
    direct: Lazy[Any] = Lazy.of(MessagePassing, communicator=DIRECT, **options)
    with pytest.raises(ConfigError, match="belongs to a task, and none to all of them"):
        MessagePassing.shared_layer(direct)
