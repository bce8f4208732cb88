"""Model selection: which epoch's weights are kept."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import final

from mtlkit.config import Component, Runtime, nearest
from mtlkit.errors import ConfigError
from mtlkit.types import NonNegativeFloat


class ModelSelection(Component, offers=("tasks",)):
    """Decides which epoch's weights are kept, by each task's headline metric on its dev data. Never sees test data.

    A scheme may keep several sets of weights, by name; each task is served by one of them.
    """

    @abstractmethod
    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        """The score of this epoch for each set of weights, from each task's headline metric; higher is better."""

    @abstractmethod
    def weights_for(self, task: str) -> str:
        """Name of the set of weights that serves `task`."""

    def served_by(self, weights: str, tasks: Sequence[str]) -> list[str]:
        """The tasks among `tasks` that a set of weights serves."""
        return [task for task in tasks if self.weights_for(task) == weights]


ALL_TASKS = "model"


@final
@ModelSelection.register("mean")
class MeanSelection(ModelSelection):
    """The epoch with the best mean over tasks serves all tasks."""

    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        return {ALL_TASKS: fmean(headlines.values())}

    def weights_for(self, task: str) -> str:
        del task
        return ALL_TASKS


@final
@ModelSelection.register("per_task")
class PerTaskSelection(ModelSelection):
    """Each task is served by the weights of its own best epoch. The archive holds one set of weights per task; training
    stops when no task has improved for `patience` epochs."""

    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        return dict(headlines)

    def weights_for(self, task: str) -> str:
        return task


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
