"""Plain gradient descent on every parameter."""

from collections.abc import Sequence
from typing import final

from mtlkit.data import Batch
from mtlkit.models import MultiTaskModel
from mtlkit.training.optimization import Optimization, Precision, autocast
from mtlkit.training.update_strategies.update_strategy import StepResult, UpdateStrategy


@final
@UpdateStrategy.register("joint")
class Joint(UpdateStrategy):
    """One gradient step on every parameter, on the mean loss of the batches (Liu et al. 2019, Algorithm 1)."""

    def step(
        self, model: MultiTaskModel, batches: Sequence[Batch], optimization: Optimization, precision: Precision
    ) -> StepResult:
        losses = []
        for batch in batches:
            with autocast(batch.text.mask_BT.device, precision):
                loss = model.loss(batch)
            optimization.backward(loss.total / len(batches))
            losses.append((batch.task, loss.parts["task"].detach()))
        optimization.apply()
        return StepResult(losses)
