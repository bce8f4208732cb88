"""One direction of message passing: the networks that send messages, and the one that receives them.

Shapes: B batch, T time steps, N sources, E input size, D state size, M message size.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, cast, final

import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, nearest
from mtlkit.errors import ConfigError
from mtlkit.kernels.choice import recurrence_for
from mtlkit.kernels.compute import Computing
from mtlkit.kernels.postponing import seconds_of_recurrence
from mtlkit.kernels.recurrence.message_gates import message_gates
from mtlkit.kernels.recurrence.message_passing import lstm_prime
from mtlkit.kernels.side_by_side import run_side_by_side
from mtlkit.sharing.communicators import Communicator, Message
from mtlkit.sharing.message_gate import MessageGate

MOST_WEIGHTS = 2**28
"""The number of weights of messages, 1 GiB of float32, beyond which they are not kept where only states are asked for:
there are B * T * T of them if each step reads all positions of the text.
"""


@final
class Channel(nn.Module):
    """The way of a message into a network: communicator and gate, the part of theta^(s) in eqs. 3-6 and 8-11."""

    def __init__(self, communicator: Communicator, state_dim: int) -> None:
        super().__init__()
        self.communicator = communicator
        self.gate = MessageGate(communicator.message_dim or state_dim, state_dim)


class Heard(NamedTuple):
    """The states of a network that has received messages, and what it received."""

    states_BTD: Tensor
    """The fused states. At padding they are arbitrary."""
    weights_BTN: Tensor
    """The weight of each source in each message, detached; (B, T, 0) if they were too many to be kept."""
    gates_BT: Tensor | None = None
    """The mean of the message gate (eq. 11) over D, from 0 to 1; None unless requested."""


@final
class OneWayNetwork(Computing):
    """The tasks' LSTMs, the shared LSTM where the communicator reads one, and the channels between them.

    The LSTM of a task has one set of parameters theta^(k) and two uses: it runs plainly when the task sends, and inside
    LSTM' when the task receives. PyTorch gives it two bias vectors where the paper has one; only their sum matters.
    """

    def __init__(
        self,
        communicator: Lazy[Communicator],
        state_dim: int,
        share: Literal["shared", "per_task"],
        detach_senders: bool,
        *,
        input_dim: int,
        tasks: Sequence[str],
    ) -> None:
        super().__init__()
        self.share = share
        self.detach_senders = detach_senders
        reads_tasks = communicator.component.sources == "tasks"

        def build_lstm() -> nn.LSTM:
            return nn.LSTM(input_dim, state_dim, batch_first=True)

        def build_channel() -> Channel:
            built = communicator.build(input_dim=input_dim, state_dim=state_dim, tasks=list(tasks))
            return Channel(built, state_dim)

        self.task_lstms = nn.ModuleDict({task: build_lstm() for task in tasks})
        self.shared_lstm = None if reads_tasks else build_lstm()
        # theta^(s) of the paper: its superscript has scorer and gate in common to all tasks.
        owners = tasks if share == "per_task" else ["shared"]
        self.channels = nn.ModuleDict({owner: build_channel() for owner in owners})
        self.senders = self._channel(tasks[0]).communicator.senders(tasks) if reads_tasks else None
        if self.senders is not None:
            _check_senders(self.senders, tasks)

    def forward(self, inputs_BTE: Tensor, mask_BT: Tensor, task: str, *, with_gates: bool = False) -> Heard:
        """The states of `task` on a batch: its LSTM over the words, with a message at every step.

        Args:
            inputs_BTE: embedded words.
            mask_BT: true at valid steps, a prefix of each row.
            task: the task that receives.
            with_gates: whether to compute `Heard.gates_BT`.
        """
        channel, lstm, sources = self._channel(task), self._task_lstm(task), self._sources(inputs_BTE, task)
        communicator, gate = channel.communicator, channel.gate
        # Without a fused form no kernels are asked for: `compiled` would be refused though nothing would use them.
        fusible = "recurrence" in communicator.operations
        # Without them the memory for a long text grows with its length instead of the square of it.
        num_weights = _num_weights(sources, mask_BT)
        keeps_weights = with_gates or torch.is_grad_enabled() or num_weights <= MOST_WEIGHTS
        saves = seconds_of_recurrence(mask_BT.shape[1], num_weights)
        may_fuse = fusible and keeps_weights
        if may_fuse and (recurrence := recurrence_for(inputs_BTE.device, self.compute, saves)) is not None:
            fused = communicator.fused(inputs_BTE, sources, mask_BT, lstm, gate.weights(), recurrence)
            if fused is not None:
                self.note("recurrence", recurrence.name)
                heard = Heard(fused[0], fused[1].detach())
                if not with_gates:
                    return heard
                # No fused form keeps its gates, which would cost every training step. They follow from the states and
                # the messages, and these from the weights.
                with torch.no_grad():
                    messages_BTM = communicator.messages(inputs_BTE, sources, mask_BT, *heard[:2])
                return _with_gates(heard, inputs_BTE, messages_BTM, lstm, gate)
        self.note("recurrence", "step by step")
        memory = communicator.prepare(inputs_BTE, sources, mask_BT)
        contents_TBM: list[Tensor] = []

        def receive(time: int, previous_BD: Tensor) -> Message:
            message = communicator.step(time, previous_BD, memory)
            # Only for traces: kept detached, so that a trace changes neither gradients nor what autograd holds.
            if with_gates:
                contents_TBM.append(message.content_BM.detach())
            return message if keeps_weights else message._replace(weights_BN=message.weights_BN[:, :0].clone())

        states_BTD, weights_TBN = lstm_prime(inputs_BTE, lstm, receive, gate)
        heard = Heard(states_BTD, torch.stack([weights_BN.detach() for weights_BN in weights_TBN], dim=1))
        return _with_gates(heard, inputs_BTE, torch.stack(contents_TBM, dim=1), lstm, gate) if with_gates else heard

    def _sources(self, inputs_BTE: Tensor, task: str) -> Tensor:
        """The states to read: (B, T, N, D) of the N senders, or (B, N, D) of the shared LSTM at N = T positions.

        Senders run as plain LSTMs, without messages: if they received too, the tasks would wait for each other at every
        step. The task's own LSTM, a sender with `include_self`, is never detached.
        """
        if self.senders is None:
            assert self.shared_lstm is not None
            states_BTD: Tensor = self.shared_lstm(inputs_BTE)[0]
            return states_BTD
        # Two groups, so that detached senders, which are most of the work, build no graph at all.
        detached = [sender for sender in self.senders[task] if self.detach_senders and sender != task]
        learning = [sender for sender in self.senders[task] if sender not in detached]
        with torch.no_grad():
            sent = self._sent(inputs_BTE, detached)
        sent |= self._sent(inputs_BTE, learning)
        # In the order of `senders`, by which traces name the weights.
        return torch.stack([sent[sender] for sender in self.senders[task]], dim=2)

    def _sent(self, inputs_BTE: Tensor, senders: Sequence[str]) -> dict[str, Tensor]:
        """The states (B, T, D) of each sender's plain LSTM, by task."""
        if not senders:
            return {}
        lstms = [self._task_lstm(sender) for sender in senders]
        states = run_side_by_side(lstms, inputs_BTE.expand(len(senders), -1, -1, -1), self.compute, self.note)
        return dict(zip(senders, states, strict=True))

    def _channel(self, task: str) -> Channel:
        return cast(Channel, self.channels[task if self.share == "per_task" else "shared"])

    def _task_lstm(self, task: str) -> nn.LSTM:
        return cast(nn.LSTM, self.task_lstms[task])


def _num_weights(sources: Tensor, mask_BT: Tensor) -> int:
    return mask_BT.numel() * sources.shape[-2]


def _with_gates(heard: Heard, inputs_BTE: Tensor, messages_BTM: Tensor, lstm: nn.LSTM, gate: MessageGate) -> Heard:
    gates_BTD = message_gates(inputs_BTE, heard.states_BTD, messages_BTM, lstm, gate.weights())
    return heard._replace(gates_BT=gates_BTD.mean(dim=2))


def _check_senders(senders: Mapping[str, Sequence[str]], tasks: Sequence[str]) -> None:
    for named in (*senders, *(sender for chosen in senders.values() for sender in chosen)):
        if named not in tasks:
            hint = nearest(named, list(tasks)) or f" (the tasks: {', '.join(tasks)})"
            raise ConfigError(f"edges: no task is named '{named}'{hint}")
    for receiver in tasks:
        chosen = senders.get(receiver, [])
        if not chosen:
            raise ConfigError(
                f"task '{receiver}' has no task to hear: communication between tasks needs at least two tasks, and "
                "`edges`, if given, a non-empty entry for each of them"
            )
        if len(set(chosen)) < len(chosen):
            raise ConfigError(f"edges.{receiver}: a task is named twice: {', '.join(chosen)}")
