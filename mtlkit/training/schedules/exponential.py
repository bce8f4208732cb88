"""A constant factor per epoch."""

from typing import final

from mtlkit.training.schedules.schedule import Schedule
from mtlkit.types import PositiveFloat


@final
@Schedule.register("exponential")
class ExponentialSchedule(Schedule):
    """Multiplies the learning rate after each epoch.

    Args:
        decay: the factor per epoch.
    """

    def __init__(self, decay: PositiveFloat = 0.9) -> None:
        self.decay = decay

    def factor(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        return float(self.decay ** (step // steps_per_epoch))
