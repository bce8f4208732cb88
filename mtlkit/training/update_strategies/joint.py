"""Plain gradient descent on every parameter."""

from collections.abc import Sequence
from typing import final

from mtlkit.data import Batch
from mtlkit.model import MultiTaskModel, TaskLoss
from mtlkit.training.gradients import add_gradients
from mtlkit.training.optimization import Optimization
from mtlkit.training.precision import Precision, autocast
from mtlkit.training.update_strategies.update_strategy import StepResult, UpdateStrategy


@final
@UpdateStrategy.register("joint")
class Joint(UpdateStrategy):
    """One gradient step on every parameter, on the mean loss of the batches (Liu et al. 2019, Algorithm 1)."""

    trains_on_batches_only = True
    shares_batches = True

    def step(
        self, model: MultiTaskModel, batches: Sequence[Batch], optimization: Optimization, precision: Precision
    ) -> StepResult:
        def loss(batch: Batch, number: int) -> list[TaskLoss]:
            with autocast(batch.text.mask_BT.device, precision):
                return [model.loss(batch)]

        losses = add_gradients(model, batches, loss, optimization, losses_at_once=False)
        optimization.apply()
        return StepResult(list(zip([batch.task for batch in batches], losses, strict=True)))
