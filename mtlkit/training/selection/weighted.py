"""One epoch for all tasks, by a weighted mean."""

from collections.abc import Mapping
from typing import final

from mtlkit.config import Runtime, nearest
from mtlkit.errors import ConfigError
from mtlkit.training.selection.mean import ALL_TASKS
from mtlkit.training.selection.model_selection import ModelSelection
from mtlkit.types import NonNegativeFloat


@final
@ModelSelection.register("weighted")
class WeightedSelection(ModelSelection):
    """The epoch with the best weighted mean over tasks serves all tasks.

    Args:
        weights: the weight of each task; tasks left out count nothing.

    Raises:
        ConfigError: a weight names no task, or all are 0.
    """

    def __init__(self, weights: dict[str, NonNegativeFloat], *, tasks: Runtime[list[str]]) -> None:
        if unknown := next((name for name in weights if name not in tasks), None):
            hint = nearest(unknown, tasks) or f" (the tasks: {', '.join(tasks)})"
            raise ConfigError(f"weights: no task is named '{unknown}'{hint}")
        if not sum(weights.values()):
            raise ConfigError("weights: all are 0; give at least one task a weight")
        self.weights = weights

    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        # Tasks without dev data have no headline; the rest share the weight.
        present = {task: weight for task, weight in self.weights.items() if task in headlines}
        total = sum(present.values())
        if not total:
            return {}
        return {ALL_TASKS: sum(weight * headlines[task] for task, weight in present.items()) / total}

    def weights_for(self, task: str) -> str:
        del task
        return ALL_TASKS
