"""Linear warm-up, then linear decay."""

from typing import final

from mtlkit.training.schedules.schedule import Schedule
from mtlkit.types import Fraction


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
