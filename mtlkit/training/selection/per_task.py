"""Each task keeps its own best epoch."""

from collections.abc import Mapping
from typing import final

from mtlkit.training.selection.model_selection import ModelSelection


@final
@ModelSelection.register("per_task")
class PerTaskSelection(ModelSelection):
    """Each task is served by the weights of its own best epoch. The archive holds one set of weights per task; training
    stops when no task has improved for `patience` epochs."""

    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        return dict(headlines)

    def weights_for(self, task: str) -> str:
        return task
