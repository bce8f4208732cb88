"""The interface of update strategies."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.data import Batch, BatchStream
from mtlkit.model import MultiTaskModel
from mtlkit.training.optimization import Optimization
from mtlkit.training.precision import Precision


@dataclass(frozen=True)
class StepResult:
    """What one step did. Losses are detached and still on the device, so that reading them is the caller's choice."""

    losses: list[tuple[str, Tensor]]
    """(task, mean loss) of each batch."""
    work: dict[str, int] = field(default_factory=dict)
    """Counts of what was done, by name; the trainer adds them up over an epoch."""
    sound: Tensor | None = None
    """Boolean scalar: whether all updates of parameters that the strategy changes by itself were finite; None if it
    changes none by itself."""


class UpdateStrategy(Component):
    """Changes the parameters, given the batches of a step. `joint` is gradient descent; architecture searches do
    more.
    """

    searches: ClassVar[bool] = False
    """Whether the strategy searches for paths, so that it needs a searchable sharing scheme."""
    trains_on_batches_only: ClassVar[bool] = False
    """Whether `step` computes gradients of the model's parameters from its batches only. Rows of word tables that no
    training text reads can then be kept out of the optimizer's steps; a strategy that finds gradients of other texts,
    or that reads the parameters themselves, needs them there."""
    shares_batches: ClassVar[bool] = False
    """Whether `step` finds all gradients by `add_gradients`, and rewards from `shares`, which give each of several
    processes its share of a batch. Without it, a run in several processes is refused."""
    needs_dev: bool = False
    """Whether the strategy learns from dev data, so that every task must have some."""

    def prepare(
        self, model: MultiTaskModel, dev: Mapping[str, BatchStream], gradient_clip: float | None
    ) -> list[nn.Parameter]:
        """Called once, before the first step; returns the parameters that the strategy does not change by itself.

        Args:
            model: the model, on its device.
            dev: batches without end of the dev data of each task that has some; the trainer keeps their places.
            gradient_clip: as in the experiment's `trainer` section.

        Returns:
            The parameters that the `optimization` of `step` is to change.
        """
        return [parameter for parameter in model.parameters() if parameter.requires_grad]

    @abstractmethod
    def step(
        self, model: MultiTaskModel, batches: Sequence[Batch], optimization: Optimization, precision: Precision
    ) -> StepResult:
        """One step on `batches`: one batch, or as many as gradients are accumulated over."""

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs: nested dicts of tensors and plain values."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores a state; called after `prepare`."""
        assert not state, "a strategy that has a state takes it back"
