"""The one model: embedder, sharing scheme, one head per task."""

from mtlkit.models.multi_task_model import SHARED, MultiTaskModel, TaskLoss

__all__ = ["MultiTaskModel", "TaskLoss", "SHARED"]
