"""The interface of sharing schemes, and what they return.

Shapes: B batch, T time steps, N sources, E input size, D output size.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from mtlkit.config import Component


@dataclass(frozen=True)
class Trace:
    """Who listened to what: the weights (B, T, N) of the messages, detached."""

    weights_BTN: Tensor
    senders: tuple[str, ...] | None
    """The tasks that the last axis counts; None: it counts the positions of the sentence."""

    backward_BTN: Tensor | None = None
    """The same of the network that reads from right to left, if there is one, in reading order on both axes."""


@dataclass(frozen=True)
class Shared:
    """What a scheme makes of one batch."""

    states_BTD: Tensor
    losses: dict[str, Tensor] = field(default_factory=dict)
    """Auxiliary losses by name, scalars to be added to the task's own, already weighted.

    They may depend on which texts are in the batch, not on their order or on padding. Every task has the same ones,
    in training and evaluation alike; decoding ignores them. The name `task` is taken.
    """

    trace: Trace | None = None


class SharingScheme(nn.Module, Component, offers=("input_dim", "tasks")):
    """Which parameters the tasks share, and how: the part that multi-task experiments compare.

    Every batch belongs to one task. A constructor may ask for the run-time values `input_dim` (E) and `tasks` (names).
    """

    output_dim: int
    """D, the same for all tasks."""

    uses_kernels: ClassVar[bool] = False
    """Whether `trainer.kernels` matters to it; what runs is then noted with the run."""

    @abstractmethod
    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        """The states that the task's head reads.

        Args:
            states_BTE: embedded words.
            mask_BT: true at valid steps, a non-empty prefix of each row.
            task: whose batch it is.
            with_trace: keep what reports draw, where there is something to draw.

        Returns:
            States (B, T, D), zero at padding; padding changes no valid step.
        """
