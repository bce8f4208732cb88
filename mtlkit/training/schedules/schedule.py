"""The interface of learning-rate schedules."""

from abc import abstractmethod

from mtlkit.config import Component


class Schedule(Component):
    """The learning rate as a factor of the optimiser's own: a function of the step alone, without a state to resume."""

    @abstractmethod
    def factor(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """Factor for step number `step` (from 0) of a run planned for `total_steps`."""
