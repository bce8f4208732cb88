"""The interface of sharing schemes, and what they return.

Shapes: B batch, T time steps, E input size, D output size.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from mtlkit.config import Component, Lazy
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import Operation
from mtlkit.sharing.traces import Trace


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


@dataclass(frozen=True)
class SharedLayer:
    """What tasks have learned together, as a task that was not among them can read it."""

    scopes: Mapping[str, tuple[str, ...]]
    """What counts as the layer, by name, the usual one first: patterns of parameters, as a checkpoint names them."""
    reader: Lazy[Any]
    """The sharing scheme of the new task, its only one; it has the parameters of every scope, in the same shapes."""


class SharingScheme(nn.Module, Component, offers=("input_dim", "tasks")):
    """Which parameters the tasks share, and how: the part that multi-task experiments compare.

    Every batch belongs to one task. A constructor may ask for the run-time values `input_dim` (E) and `tasks` (names).
    """

    output_dim: int
    """D, the same for all tasks."""

    operations: ClassVar[tuple[Operation, ...]] = ()
    """Its operations that `trainer.kernels` chooses an implementation of, without those of its parts. A scheme that has
    some is `Computing`."""

    @abstractmethod
    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        """The states that the task's head reads.

        Args:
            states_BTE: embedded words.
            mask_BT: true at valid steps, a non-empty prefix of each row.
            task: whose batch it is.
            with_trace: tell what was shared, as one of the family of traces, where there is something to tell. Costs
                nothing where it is not asked for, and changes no state.

        Returns:
            States (B, T, D), zero at padding; padding changes no valid step.
        """

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        """What `mtlkit transfer` hands to a new task.

        Raises:
            ConfigError: there is no such layer, and why; so it is where a scheme does not say anything else.
        """
        raise ConfigError(f"'{scheme.type}' names no layer that a new task could read")
