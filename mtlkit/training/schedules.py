"""Learning-rate schedules: the interface and its implementations."""

import math
from abc import abstractmethod
from typing import final

from mtlkit.config import Component
from mtlkit.types import Fraction, PositiveFloat


class Schedule(Component):
    """The learning rate as a factor of the optimiser's own: a function of the step alone, without a state to resume."""

    @abstractmethod
    def factor(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """Factor for step number `step` (from 0) of a run planned for `total_steps`."""


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


@final
@Schedule.register("linear")
class LinearSchedule(Schedule):
    """Rises from 0 over the warm-up, then falls to 0 at the end of the run.

    Args:
        warmup: share of the run's steps.
    """

    def __init__(self, warmup: Fraction = 0.1) -> None:
        self.warmup = warmup

    def factor(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        rising = self.warmup * total_steps
        if step < rising:
            return (step + 1) / (rising + 1)
        return max(0.0, (total_steps - step) / max(1.0, total_steps - rising))
