"""Learning-rate schedules."""

from mtlkit.training.schedules.cosine import CosineSchedule
from mtlkit.training.schedules.exponential import ExponentialSchedule
from mtlkit.training.schedules.linear import LinearSchedule
from mtlkit.training.schedules.schedule import Schedule

__all__ = ["Schedule", "CosineSchedule", "ExponentialSchedule", "LinearSchedule"]
