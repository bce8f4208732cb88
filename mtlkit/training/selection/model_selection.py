"""The interface of model selection."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from mtlkit.config import Component


class ModelSelection(Component, offers=("tasks",)):
    """Which epoch's weights are kept, by the headline metric of each task on its dev data. Never looks at test data.

    A scheme may keep several sets of weights, by name; each task is served by one of them.
    """

    @abstractmethod
    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        """The score of this epoch for each set of weights, from each task's headline metric; higher is better."""

    @abstractmethod
    def weights_for(self, task: str) -> str:
        """Name of the set of weights that serves `task`."""

    def served_by(self, weights: str, tasks: Sequence[str]) -> list[str]:
        """Those of the tasks that a set of weights serves."""
        return [task for task in tasks if self.weights_for(task) == weights]
