"""Sharing by messages between networks.

Shapes: B batch, T time steps, N sources, E input size, D output size.
"""

from typing import Any, Literal, Self, final

import torch
from torch import Tensor

from mtlkit.config import Lazy, Runtime, runtime_names
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import Operation
from mtlkit.kernels.sequences import reverse_within_length, zero_padding
from mtlkit.sharing.channel import Heard
from mtlkit.sharing.communicators import Communicator
from mtlkit.sharing.one_way_network import OneWayNetwork
from mtlkit.sharing.readers import LstmReader, Reader
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.sharing.traces import WordTrace
from mtlkit.types import PositiveInt, Probability

HIDDEN_DIM = 100


@final
@SharingScheme.register("message_passing")
class MessagePassing(SharingScheme):
    """Each task has a network of its own that reads a message at every word (Liu et al. 2019, eqs. 2-11).

    communicator: what is in the message; `direct` is DC-MTL, `indirect` is IC-MTL.
    hidden_dim: size of the states of the reader `lstm`; a reader whose own settings give its size takes no other.
    share: whether scorer and gate are one for all tasks, as the paper's superscripts say, or one per task.
    detach_senders: stop the gradient at the sending tasks' states, so that a batch trains only its own task's network.
        The paper's footnote 1 leaves this open; detached senders learn slowly.
    bidirectional: a second complete network reads each sentence from its end, and the states are concatenated. The
        paper has one direction.
    speaker: encoder of the states that are read, one for each task that sends or one as the mailbox. Its states have
        the size of the reader's. None, as in the paper: senders are the tasks' own networks, run without messages, and
        the mailbox is one more network of the reader's kind.
    reader: how a task's network takes in messages; `lstm` is LSTM', the paper's, and `layer` any encoder.
    mailbox: whether the mailbox of a communicator that reads one is one for all tasks, as in the paper, or one per
        task. With `per_task`, and `share: per_task`, tasks share nothing but the words: a control that has the
        attention and the size of indirect communication, without communication.
    message_dropout: dropout of the states that are read. In training, the same units of a sender or of the mailbox are
        missing at all steps of a text, in its scores and in the messages (as in Gal and Ghahramani 2016). The paper has
        none.
    speakers: whether each task that sends has a network of its own, as in the paper, or one more network of the kind
        that speaks is `shared`, and a task sends tanh(W h + b) of its states, with W and b of the task's own. The
        shared network learns from the texts of all tasks, and takes the time of one.
    gate_bias: what a learned bias of the message gate begins as, g_t = sigmoid(W_r r_t + W_c c_t + b), so that training
        can begin with gates that are nearly closed (such as -2) or open (2). None, as printed: there is no bias.

    Where we depart: parameters are initialised as PyTorch does, not from U[-0.1, 0.1].

    Raises:
        ConfigError: a task has no sender, the communicator's edges name an unknown task, speaker and reader differ in
            size, nothing would train a speaker, the reader has no use for `hidden_dim`, or the communicator reads no
            mailbox (for `mailbox`) or no senders (for `speakers`).
    """

    def __init__(
        self,
        communicator: Lazy[Communicator],
        hidden_dim: PositiveInt = HIDDEN_DIM,
        share: Literal["shared", "per_task"] = "shared",
        detach_senders: bool = False,
        bidirectional: bool = False,
        speaker: Lazy[Encoder] | None = None,
        reader: Lazy[Reader] = Lazy.of(LstmReader),
        mailbox: Literal["shared", "per_task"] = "shared",
        message_dropout: Probability = 0.0,
        gate_bias: float | None = None,
        speakers: Literal["per_task", "shared"] = "per_task",
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        if mailbox == "per_task" and communicator.component.sources == "tasks":
            raise ConfigError(
                f"mailbox: has no use, since the communicator '{communicator.type}' reads the networks of tasks and no "
                "mailbox; leave it out"
            )
        if speakers == "shared" and communicator.component.sources == "shared":
            raise ConfigError(
                f"speakers: has no use, since the communicator '{communicator.type}' reads a mailbox and no senders; "
                "leave it out"
            )
        if hidden_dim != HIDDEN_DIM and "state_dim" not in runtime_names(reader.component):
            raise ConfigError(
                f"hidden_dim: has no use, since the reader '{reader.type}' gives its states a size of its own; "
                "leave it out"
            )

        def build_network() -> OneWayNetwork:
            return OneWayNetwork(
                reader,
                speaker,
                communicator,
                hidden_dim,
                share,
                detach_senders,
                mailbox,
                message_dropout,
                gate_bias,
                speakers,
                input_dim=input_dim,
                tasks=tasks,
            )

        self.left_to_right = build_network()
        self.right_to_left = build_network() if bidirectional else None
        self.output_dim = self.left_to_right.output_dim * (2 if bidirectional else 1)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        heard: Heard = self.left_to_right(states_BTE, mask_BT, task, with_gates=with_trace)
        backward: Heard | None = None
        states_BTD = heard.states_BTD
        if self.right_to_left is not None:
            # Each row is reversed within its own length, so that padding stays on the right: a recurrence that began
            # with padding would carry it into every valid state.
            reversed_BTE = reverse_within_length(states_BTE, mask_BT)
            backward = self.right_to_left(reversed_BTE, mask_BT, task, with_gates=with_trace)
            states_BTD = torch.cat([states_BTD, reverse_within_length(backward.states_BTD, mask_BT)], dim=-1)
        trace = self._trace(task, heard, backward, mask_BT) if with_trace else None
        return Shared(zero_padding(states_BTD, mask_BT), trace=trace)

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        """The mailbox of indirect communication, with the scorer or with all that tasks share if asked for."""
        settings: Any = scheme.settings
        if settings.communicator.component.sources == "tasks" and settings.speakers == "shared":
            raise ConfigError(
                f"with the communicator '{settings.communicator.type}', a task hears other tasks, and a new one, which "
                "is trained alone, has none"
            )
        if settings.communicator.component.sources == "tasks":
            network = "LSTM" if settings.reader.type == "lstm" and settings.speaker is None else "network"
            raise ConfigError(
                f"with the communicator '{settings.communicator.type}', each {network} belongs to a task, and none to "
                "all of them"
            )
        if settings.mailbox == "per_task":
            raise ConfigError("with mailbox 'per_task', each mailbox belongs to a task, and none to all of them")
        name, module = (
            ("mailbox",) * 2 if settings.speaker else (settings.reader.type, f"shared_{settings.reader.type}")
        )
        mailbox = rf"^sharing\.\w+\.{module}\."
        scopes: dict[str, tuple[str, ...]] = {name: (mailbox,)}
        if settings.share == "shared":
            if _has_parameters(settings.communicator):
                scopes["attention"] = (mailbox, r"^sharing\.\w+\.channels\.shared\.communicator\.")
            scopes["all_shared"] = (mailbox, r"^sharing\.\w+\.channels\.")
        return SharedLayer(scopes, scheme)

    @classmethod
    def operations_of(cls, scheme: Lazy[Any]) -> frozenset[Operation]:
        """The operations of all parts, but the recurrence only where the reader runs one, and there is a fused form of
        it for the communicator and the gate.
        """
        settings: Any = scheme.settings
        both = (settings.reader.component.operations, settings.communicator.component.operations)
        fuses = all("recurrence" in operations for operations in both)
        fuses = fuses and (settings.gate_bias is None or settings.communicator.component.fuses_gate_bias)
        found = super().operations_of(scheme)
        return found if fuses else found - {"recurrence"}

    def _trace(self, task: str, heard: Heard, backward: Heard | None, mask_BT: Tensor) -> WordTrace:
        senders = self.left_to_right.senders
        names = None if senders is None else tuple(senders[task])
        if backward is None:
            return WordTrace(heard.weights_BTN, names, gates_BT=heard.gates_BT)
        assert backward.gates_BT is not None, "asked for with the trace"
        backward_BTN = reverse_within_length(backward.weights_BTN, mask_BT)
        if senders is None:
            # The sources are positions, which that network has counted from the end as well: reverse both axes.
            backward_BTN = reverse_within_length(backward_BTN.mT, mask_BT).mT
        backward_gates_BT = reverse_within_length(backward.gates_BT, mask_BT)
        return WordTrace(heard.weights_BTN, names, backward_BTN, heard.gates_BT, backward_gates_BT)


def _has_parameters(communicator: Lazy[Communicator]) -> bool:
    """Whether a communicator has something to learn, which `aligned` has not. Its sizes do not matter."""
    with torch.device("meta"):
        built = communicator.build(input_dim=HIDDEN_DIM, state_dim=HIDDEN_DIM, tasks=["one", "other"])
    return next(built.parameters(), None) is not None
