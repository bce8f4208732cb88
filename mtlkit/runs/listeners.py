"""Listeners, which receive the progress of a run."""

from collections.abc import Iterable
from typing import Any, Protocol

from mtlkit.config import callback_argument
from mtlkit.errors import ConfigError
from mtlkit.training import EpochEnd, Step

METHODS = ("stage", "step", "epoch", "close")


class Listener(Protocol):
    """Receives the progress of a run, as the console does. The loggers of an experiment receive all but `stage`."""

    def stage(self, name: str | None, epochs: int) -> None:
        """Called when a stage of at most `epochs` epochs begins; `name` is None for the only stage of a run."""

    def step(self, step: Step) -> None:
        """Called after each optimizer step."""

    def epoch(self, end: EpochEnd) -> None:
        """Called after each epoch, when its dev data have been scored."""

    def close(self) -> None:
        """Called when the stage is over or was interrupted."""


def checked_listeners(listeners: Any) -> list[Listener]:
    """The listeners in a list. They are looked at before a run begins: one that failed at its first step would leave a
    half-made run behind.

    Raises:
        ConfigError: they are not several, or one of them lacks a method of `Listener`.
    """
    if not isinstance(listeners, Iterable) or isinstance(listeners, str | bytes):
        kind = f"is of type {type(listeners).__name__}"
        raise ConfigError(f"listeners: {kind}; give a list of objects with the methods {', '.join(METHODS)}")
    return [callback_argument(each, f"listeners: item {number}", METHODS) for number, each in enumerate(listeners)]
