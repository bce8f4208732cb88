"""One direction of message passing: the networks that send messages, and the one that receives them.

Shapes: B batch, T time steps, N sources, E input size, D state size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Lazy, nearest
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import Computing
from mtlkit.sharing.channel import Channel, Heard
from mtlkit.sharing.communicators import Communicator
from mtlkit.sharing.readers import Incoming, LayerReader, Reader

MOST_WEIGHTS = 2**28
"""The number of weights of messages, 1 GiB of float32, beyond which they are not kept where only states are asked for:
there are B * T * T of them if each step reads all positions of the text.
"""


@final
class OneWayNetwork(Computing):
    """The tasks' networks, the mailbox where the communicator reads one (or one for each task), and the channels
    between them.

    With a speaker, what is read are networks of its own. Without one, a task's network has two uses: it runs without
    messages when the task sends, and with them when the task receives; and the mailbox is one more such network.
    """

    def __init__(
        self,
        reader: Lazy[Reader],
        speaker: Lazy[Encoder] | None,
        communicator: Lazy[Communicator],
        state_dim: int,
        share: Literal["shared", "per_task"],
        detach_senders: bool,
        mailbox: Literal["shared", "per_task"] = "shared",
        message_dropout: float = 0.0,
        gate_bias: float | None = None,
        speakers: Literal["per_task", "shared"] = "per_task",
        *,
        input_dim: int,
        tasks: Sequence[str],
    ) -> None:
        super().__init__()
        self.share = share
        self.detach_senders = detach_senders
        self.message_dropout = message_dropout
        self.reader: Reader = reader.build(input_dim=input_dim, state_dim=state_dim)
        self.speaker = None if speaker is None else LayerReader(speaker, input_dim=input_dim)
        reads_tasks = communicator.component.sources == "tasks"
        # Checkpoints know these networks as task_lstms and shared_lstm, from when there was no other reader.
        self._own, self._mailbox = f"task_{reader.type}s", f"shared_{reader.type}" if speaker is None else "mailbox"
        self.add_module(self._own, nn.ModuleDict({task: self.reader.network() for task in tasks}))
        shared_mailbox = not reads_tasks and mailbox == "shared"
        self.add_module(self._mailbox, self._speaking.network() if shared_mailbox else None)
        self.mailboxes: nn.ModuleDict | None = None
        if not reads_tasks and not shared_mailbox:
            self.mailboxes = nn.ModuleDict({task: self._speaking.network() for task in tasks})
        self.output_dim = self.reader.state_dim_of(self._network(tasks[0]))

        def build_channel() -> Channel:
            built = communicator.build(input_dim=input_dim, state_dim=self.output_dim, tasks=list(tasks))
            return Channel(built, self.output_dim, gate_bias)

        # theta^(s) of the paper: its superscript has scorer and gate in common to all tasks.
        owners = tasks if share == "per_task" else ["shared"]
        self.channels = nn.ModuleDict({owner: build_channel() for owner in owners})
        self.senders = self._channel(tasks[0]).communicator.senders(tasks) if reads_tasks else None
        self.speakers: nn.ModuleDict | None = None
        if self.senders is not None:
            _check_senders(self.senders, tasks)
            if self.speaker is not None and speakers == "per_task":
                self.speakers = self._build_speakers(self.speaker, self.senders, tasks)
        self.shared_speaker: nn.Module | None = None
        self.outputs: nn.ModuleDict | None = None
        if speakers == "shared":
            self.shared_speaker, self.outputs = self._build_shared_speaker(tasks)
        elif self.speaker is not None:
            spoken = next(iter(self.speakers.values())) if self.speakers is not None else self._mailbox_of(tasks[0])
            _check_sizes(self.speaker.state_dim_of(spoken), self.output_dim)

    def forward(self, inputs_BTE: Tensor, mask_BT: Tensor, task: str, *, with_gates: bool = False) -> Heard:
        """The states of `task` on a batch: its network over the words, with a message at every step.

        Args:
            inputs_BTE: embedded words.
            mask_BT: true at valid steps, a prefix of each row.
            task: the task that receives.
            with_gates: whether to compute `Heard.gates_BT`.
        """
        return self.reader.read(self._network(task), self.incoming(inputs_BTE, mask_BT, task, with_gates=with_gates))

    def incoming(self, inputs_BTE: Tensor, mask_BT: Tensor, task: str, *, with_gates: bool = False) -> Incoming:
        """What the network of `task` has to read on a batch; the arguments are those of `forward`."""
        sources, channel = self._dropped(self._sources(inputs_BTE, mask_BT, task)), self._channel(task)
        incoming = Incoming(
            inputs_BTE,
            mask_BT,
            sources,
            channel,
            with_gates=with_gates,
            compute=self.compute,
            note=self.note,
            listener=task,
        )
        # Without them the memory for a long text grows with its length instead of the square of it.
        keeps_weights = with_gates or torch.is_grad_enabled() or self.compute.traceable
        keeps_weights = keeps_weights or incoming.num_weights <= MOST_WEIGHTS
        return incoming if keeps_weights else replace(incoming, keeps_weights=False)

    def _sources(self, inputs_BTE: Tensor, mask_BT: Tensor, task: str) -> Tensor:
        """The states to read: (B, T, N, D) of the N senders, or (B, N, D) of the mailbox at N = T positions.

        Senders run without messages: if they received too, the tasks would wait for each other at every step. The
        task's own network, a sender with `include_self`, is never detached.
        """
        if self.senders is None:
            return self._speaking.speak(self._mailbox_of(task), inputs_BTE, mask_BT)
        # Two groups, so that detached senders, which are most of the work, build no graph at all.
        detached = [sender for sender in self.senders[task] if self.detach_senders and sender != task]
        learning = [sender for sender in self.senders[task] if sender not in detached]
        with torch.no_grad():
            sent = self._sent(inputs_BTE, mask_BT, detached)
        sent |= self._sent(inputs_BTE, mask_BT, learning)
        # In the order of `senders`, by which traces name the weights.
        return torch.stack([sent[sender] for sender in self.senders[task]], dim=2)

    def _dropped(self, sources: Tensor) -> Tensor:
        """The sources (B, T, ..., D), in training without some units, which are missing at all steps of a text."""
        if not self.training or self.message_dropout == 0:
            return sources
        factors = F.dropout(torch.ones_like(sources[:, :1]), self.message_dropout)
        return sources * factors

    def _sent(self, inputs_BTE: Tensor, mask_BT: Tensor, senders: Sequence[str]) -> dict[str, Tensor]:
        """The states (B, T, D) of each sender's network without messages, by task."""
        if not senders:
            return {}
        if self.shared_speaker is not None and self.outputs is not None:
            spoken_BTD = self._speaking.speak(self.shared_speaker, inputs_BTE, mask_BT)
            return {sender: self.outputs[sender](spoken_BTD).tanh() for sender in senders}
        networks = [self._network(sender) if self.speakers is None else self.speakers[sender] for sender in senders]
        states = self._speaking.speak_together(networks, inputs_BTE, mask_BT, self.compute, self.note)
        return dict(zip(senders, states, strict=True))

    def _build_speakers(
        self, speaker: Reader, senders: Mapping[str, Sequence[str]], tasks: Sequence[str]
    ) -> nn.ModuleDict:
        """A network for each task that some task hears."""
        heard = [task for task in tasks if any(task in chosen for chosen in senders.values())]
        untrained = [task for task in heard if self.detach_senders and task not in senders[task]]
        if untrained:
            raise ConfigError(
                f"detach_senders: nothing would train the speaker of task '{untrained[0]}', which only other tasks "
                "read; leave out detach_senders, or leave out speaker, so that each task's own network speaks"
            )
        return nn.ModuleDict({task: speaker.network() for task in heard})

    def _build_shared_speaker(self, tasks: Sequence[str]) -> tuple[nn.Module, nn.ModuleDict]:
        """One network that speaks for all tasks, and what each makes of its states."""
        if self.detach_senders:
            raise ConfigError(
                "detach_senders: nothing would train the speaker that all tasks share; leave out one of detach_senders "
                "and speakers 'shared'"
            )
        network = self._speaking.network()
        size = self._speaking.state_dim_of(network)
        return network, nn.ModuleDict({task: nn.Linear(size, self.output_dim) for task in tasks})

    @property
    def _speaking(self) -> Reader:
        """What runs the networks that others read."""
        return self.reader if self.speaker is None else self.speaker

    def _channel(self, task: str) -> Channel:
        return cast(Channel, self.channels[task if self.share == "per_task" else "shared"])

    def _network(self, task: str) -> nn.Module:
        return cast(nn.ModuleDict, self._module(self._own))[task]

    def _mailbox_of(self, task: str) -> nn.Module:
        return self._module(self._mailbox) if self.mailboxes is None else self.mailboxes[task]

    def _module(self, name: str) -> nn.Module:
        return cast(nn.Module, getattr(self, name))


def _check_sizes(spoken: int, read: int) -> None:
    if spoken != read:
        raise ConfigError(
            f"speaker: its states have {spoken} numbers and those of the reader {read}, but messages are weighed and "
            "mixed in one size; make them the same"
        )


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
