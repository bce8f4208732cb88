"""The interface of sharing schemes, and the values that they return.

Shapes: B batch, T time steps, E input size, D output size.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Self, cast

from torch import Tensor, nn

from mtlkit.config import Component, Lazy
from mtlkit.data.batch import Text
from mtlkit.embedders import Embedder
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import Operation
from mtlkit.sharing.traces import Trace


@dataclass(frozen=True)
class Shared:
    """The output of a sharing scheme for one batch."""

    states_BTD: Tensor
    """The states that the task's head reads, zero at padding."""

    losses: dict[str, Tensor] = field(default_factory=dict)
    """Auxiliary losses by name: weighted scalars that are added to the task's own loss.

    They may depend on which texts are in the batch, but not on their order or on padding. Their names are the same for
    every task, in training and in evaluation; decoding ignores them. The name `task` is reserved.
    """

    trace: Trace | None = None
    """What was shared, if `with_trace` asked for it and the scheme has something to report."""

    views: dict[str, Tensor] = field(default_factory=dict)
    """What `losses` are computed from by `SharingScheme.batch_losses`, by name: tensors (B, ...) with a row for each
    text. Several processes that share a batch put their rows together; without views, such losses are refused there."""


@dataclass(frozen=True)
class SharedLayer:
    """The layer that tasks have trained together, in a form that a new task can use (`mtlkit transfer`)."""

    scopes: Mapping[str, tuple[str, ...]]
    """The parameters to hand over, by the scope's name: patterns of parameter names as in checkpoints. The first scope
    is the default."""
    reader: Lazy[Any]
    """The sharing scheme for a model of the new task alone. It has every scope's parameters, in the same shapes."""


class SharingScheme(nn.Module, Component, offers=("input_dim", "tasks", "embedder")):
    """Decides which parameters the tasks share, and how: the part that multi-task experiments compare.

    Every batch belongs to one task. A constructor may ask for the run-time values `input_dim` (E), `tasks` (names) and
    `embedder` (Embedder or None), one of the model's, for schemes that share inside of it (see `read`).
    """

    when_left_out = MappingProxyType({"embedder": None})

    output_dim: int
    """The size D of the states, the same for all tasks."""

    operations: ClassVar[tuple[Operation, ...]] = ()
    """Its operations that `trainer.kernels` chooses an implementation of, without those of its parts. A scheme that has
    some is `Computing`."""

    @abstractmethod
    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        """The states that the task's head reads.

        Args:
            states_BTE: embedded words.
            mask_BT: true at valid steps, a non-empty prefix of each row.
            task: the task that the batch belongs to.
            with_trace: whether to report what was shared, as one of the four traces. A scheme with nothing to report
                gives None. The states are the same with and without it, and nothing is computed for it unless asked.

        Returns:
            States (B, T, D), zero at padding; padding changes no valid step.
        """

    def read(self, embedder: Embedder, text: Text, task: str, *, with_trace: bool = False) -> Shared:
        """The states of texts, embedded by the task's embedder. Default: `forward` of the embedder's states.

        A scheme that shares inside the embedder, such as adapters in a pretrained encoder, runs the embedder its own
        way here, and ends in a call of itself.
        """
        return cast(Shared, self(embedder(text), text.mask_BT, task, with_trace=with_trace))

    def batch_losses(self, views: Mapping[str, Tensor], task: str) -> dict[str, Tensor]:
        """The auxiliary losses of a whole batch, given the views of all its texts. Default: there are none.

        A scheme that adds losses to `Shared` should compute them here, so that it can be trained in several processes.
        """
        return {}

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        """The layer that `mtlkit transfer` hands to a new task. Default: the scheme has none.

        Raises:
            ConfigError: the scheme has no such layer; the message says why.
        """
        raise ConfigError(f"'{scheme.type}' names no layer that a new task could read")

    @classmethod
    def operations_of(cls, scheme: Lazy[Any]) -> frozenset[Operation]:
        """The operations of the scheme and its parts that `trainer.kernels` chooses an implementation of."""
        return frozenset(each for part in scheme.parts() for each in getattr(part.component, "operations", ()))
