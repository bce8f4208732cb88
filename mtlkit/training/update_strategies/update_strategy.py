"""The interface of update strategies."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from mtlkit.config import Component
from mtlkit.data import Batch
from mtlkit.models import MultiTaskModel
from mtlkit.training.optimization import Optimization, Precision


@dataclass(frozen=True)
class StepResult:
    """What one step did. Losses are detached and still on the device, so that reading them is the caller's choice."""

    losses: list[tuple[str, Tensor]]
    """(task, mean loss) of each batch."""


class UpdateStrategy(Component):
    """How parameters change, given batches. `joint` is gradient descent; searches over architectures have their own."""

    @abstractmethod
    def step(
        self, model: MultiTaskModel, batches: Sequence[Batch], optimization: Optimization, precision: Precision
    ) -> StepResult:
        """One step on `batches`: one batch, or as many as gradients are accumulated over."""
