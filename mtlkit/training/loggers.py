"""Loggers: where the course of training is written beside `metrics.jsonl`."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, final

from mtlkit.config import Component, Runtime
from mtlkit.training.events import EpochEnd, Step
from mtlkit.types import PositiveInt


class Logger(Component, offers=("folder", "step")):
    """Writes the course of a run elsewhere while it trains; `metrics.jsonl` is written without a logger.

    Given at build: `folder`, the run's directory (a logger writes nowhere else), and `step`, the number of steps
    already taken: a resumed run takes later ones again, so what was logged of them before is to be dropped.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Optional packages that must be installed, by import name; `check` looks for them."""

    @abstractmethod
    def step(self, step: Step) -> None:
        """Called after each optimizer step. Reading a loss here waits for the device, so do that rarely."""

    @abstractmethod
    def epoch(self, end: EpochEnd) -> None:
        """Called after each epoch, when its dev data have been scored."""

    @abstractmethod
    def close(self) -> None:
        """Called when the stage is over or was interrupted."""


@final
@Logger.register("tensorboard")
class TensorBoardLogger(Logger):
    """Writes losses, scores and shares of work to `tensorboard/` in the run directory.

    Args:
        every: steps between two logged training losses.
    """

    needs = ("tensorboard",)

    def __init__(self, every: PositiveInt = 20, *, folder: Runtime[Path], step: Runtime[int]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.every = every
        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def step(self, step: Step) -> None:
        if step.step % self.every == 0:
            for task, loss in step.losses:
                self._add(f"train/{task}/loss", float(loss), step.step)

    def epoch(self, end: EpochEnd) -> None:
        for split, metrics in (("dev", end.dev), ("test", end.test), ("shares", end.shares)):
            for name, value in metrics.items():
                self._add(f"{split}/{name}", value, end.step)

    def close(self) -> None:
        self.writer.close()

    def _add(self, name: str, value: float, step: int) -> None:
        self.writer.add_scalar(name, value, step)
