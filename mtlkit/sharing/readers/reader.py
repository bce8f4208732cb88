"""The interface of readers.

Shapes: B batch, T time steps, N sources, E input size, D state size.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.kernels.compute import AUTOMATIC, Compute, Note, Operation, unnoted
from mtlkit.sharing.channel import Channel, Heard
from mtlkit.sharing.communicators import Communicator


@final
@dataclass(frozen=True)
class Incoming:
    """What a network of one task has to read: the words of a batch, and what the other networks say about them."""

    inputs_BTE: Tensor
    """The embedded words."""
    mask_BT: Tensor
    """True at valid steps, a non-empty prefix of each row."""
    sources: Tensor
    """The states that messages are made of: (B, T, N, D) of N senders, or (B, N, D) of the mailbox at N = T
    positions."""
    channel: Channel
    """The communicator that makes messages of them, and the gate through which these enter the network."""
    with_gates: bool = False
    """Whether `Heard.gates_BT` is wanted."""
    keeps_weights: bool = True
    """Whether `Heard.weights_BTN` is wanted. For long texts there may be too many of them to be kept."""
    compute: Compute = AUTOMATIC
    """How to compute."""
    note: Note = unnoted
    """Is called with the implementation that ran."""
    listener: str = ""
    """The task that reads."""

    @cached_property
    def communicator(self) -> Communicator:
        """The communicator of the channel, as the task hears it."""
        return self.channel.communicator.heard_by(self.listener)

    @property
    def num_weights(self) -> int:
        """The number of weights that are computed for all messages: B * T * N, or more if each sender has several."""
        return self.mask_BT.numel() * self.channel.communicator.num_weighed(self.sources)


class Reader(Component, offers=("input_dim", "state_dim")):
    """Decides how a task's network takes in messages, inside the scheme `message_passing`.

    A reader builds networks and runs them, and has no parameters of its own: `network` is called for every task, and
    once more for the mailbox of a communicator that reads one, unless the scheme has a `speaker`. Each is a module of
    its own. In checkpoints they are `task_NAMEs.TASK` and `shared_NAME`, where NAME is what the reader is registered
    as.

    A constructor may ask for the run-time values `input_dim` (E) and `state_dim` (D). One that does not ask for
    `state_dim` takes the size of its states from its own settings, and the scheme's `hidden_dim` is refused.
    """

    operations: ClassVar[tuple[Operation, ...]] = ()
    """Its operations that `trainer.kernels` chooses an implementation of; `recurrence` if it runs the `fused` form of
    communicators."""

    @abstractmethod
    def network(self) -> nn.Module:
        """Builds a network with parameters of its own."""

    @abstractmethod
    def state_dim_of(self, network: nn.Module) -> int:
        """The size D of the states of a network that `network` has built, with and without messages."""

    @abstractmethod
    def speak(self, network: nn.Module, inputs_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        """The states (B, T, D) of a network that reads no messages, as others read them. At padding they are
        arbitrary.

        Args:
            network: built by `network`.
            inputs_BTE: the embedded words.
            mask_BT: true at valid steps, a non-empty prefix of each row. Padding must not change valid steps.
        """

    def speak_together(
        self, networks: Sequence[nn.Module], inputs_BTE: Tensor, mask_BT: Tensor, compute: Compute, note: Note
    ) -> Sequence[Tensor]:
        """What `speak` gives for each of the networks. Default: one after the other.

        Args:
            networks: built by `network`.
            inputs_BTE, mask_BT: as for `speak`, the same for all networks.
            compute: how to compute.
            note: is called with the implementation that ran.
        """
        return [self.speak(network, inputs_BTE, mask_BT) for network in networks]

    @abstractmethod
    def read(self, network: nn.Module, incoming: Incoming) -> Heard:
        """The states of a network that reads a message at every step.

        A reader that knows all of its network's states before the first message asks the communicator for all messages
        at once, by `Communicator.read`; one whose next state depends on the message before, for one at a time, by
        `Communicator.step`. Weights and gates are detached, so that a trace changes no gradient.

        Args:
            network: built by `network`.
            incoming: the batch and its sources. Padding must not change valid steps.
        """
