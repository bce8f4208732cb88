"""Half a cosine, from the full rate down to a share of it."""

import math
from typing import final

from mtlkit.training.schedules.schedule import Schedule
from mtlkit.types import Fraction


@final
@Schedule.register("cosine")
class CosineSchedule(Schedule):
    """Falls along half a cosine (Loshchilov and Hutter 2017, without restarts).

    Args:
        final: share of the learning rate that is left at the end.
    """

    def __init__(self, final: Fraction = 0.0) -> None:
        self.final = final

    def factor(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        falling = 0.5 * (1 + math.cos(math.pi * step / total_steps))
        return self.final + (1 - self.final) * falling
