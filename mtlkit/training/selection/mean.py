"""One epoch for all tasks, by the plain mean."""

from collections.abc import Mapping
from statistics import fmean
from typing import final

from mtlkit.training.selection.model_selection import ModelSelection

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
