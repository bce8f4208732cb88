"""The interface of loggers."""

from abc import abstractmethod
from typing import ClassVar

from mtlkit.config import Component
from mtlkit.training.events import EpochEnd, Step


class Logger(Component, offers=("folder", "step")):
    """Follows a run. `metrics.jsonl` needs no logger.

    Given at build: `folder`, the run's directory (a logger writes nowhere else), and `step`, the steps already done:
    what a killed run logged after it is to be forgotten.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Optional packages that must be installed, by import name; `check` looks for them."""

    @abstractmethod
    def step(self, step: Step) -> None:
        """One step has been taken. Called often: reading a loss here waits for the device."""

    @abstractmethod
    def epoch(self, end: EpochEnd) -> None:
        """An epoch is over."""

    @abstractmethod
    def close(self) -> None:
        """The run is over or was interrupted."""
