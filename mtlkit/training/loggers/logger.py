"""The interface of loggers."""

from abc import abstractmethod

from mtlkit.config import Component
from mtlkit.training.events import EpochEnd, Step


class Logger(Component, offers=("folder",)):
    """Follows a run. `folder` is the run's directory; a logger writes nowhere else. `metrics.jsonl` needs no logger."""

    @abstractmethod
    def step(self, step: Step) -> None:
        """One step has been taken. Called often: reading a loss here waits for the device."""

    @abstractmethod
    def epoch(self, end: EpochEnd) -> None:
        """An epoch is over."""

    @abstractmethod
    def close(self) -> None:
        """The run is over or was interrupted."""
