"""Model selection: which weights are kept."""

from mtlkit.training.selection.mean import ALL_TASKS, MeanSelection
from mtlkit.training.selection.model_selection import ModelSelection
from mtlkit.training.selection.per_task import PerTaskSelection
from mtlkit.training.selection.weighted import WeightedSelection

__all__ = ["ModelSelection", "MeanSelection", "PerTaskSelection", "WeightedSelection", "ALL_TASKS"]
