"""Timing of a step: named sections of code, and a stopwatch that adds up the seconds of each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, final

import torch
from torch.profiler import record_function


@final
class Stopwatch:
    """Adds up the seconds spent in each section; time in an inner section does not count for the outer one.

    A stopwatch runs from the first section after `start` until `stop`. Only one runs at a time; while none does,
    `section` costs next to nothing.

    Args:
        device: where the work runs. On a GPU each section waits for the work it has queued, since otherwise a later
            section would be charged for it.
    """

    running: ClassVar["Stopwatch | None"] = None

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}
        self.total = 0.0
        self._changed: float | None = None
        self._open: list[str] = []

    def start(self) -> None:
        """Starts the stopwatch from zero."""
        assert Stopwatch.running is None, "only one stopwatch can run"
        Stopwatch.running = self
        self.seconds, self.total, self._changed = {}, 0.0, None

    def stop(self) -> None:
        """Stops the stopwatch; does nothing if it is not running."""
        if Stopwatch.running is self:
            self._count()
            Stopwatch.running = None

    def enter(self, name: str) -> None:
        """Begins a section, and pauses the one around it."""
        self._count()
        self._open.append(name)

    def leave(self) -> None:
        """Ends the innermost section."""
        self._count()
        self._open.pop()

    def _count(self) -> None:
        now = self._now()
        passed = 0.0 if self._changed is None else now - self._changed
        self.total += passed
        if self._open:
            self.seconds[self._open[-1]] = self.seconds.get(self._open[-1], 0.0) + passed
        self._changed = now

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


@contextmanager
def section(name: str) -> Iterator[None]:
    """Charges the time of the block to a section of the running stopwatch, and names it in the profiler's trace."""
    stopwatch = Stopwatch.running
    if stopwatch is None:
        yield
        return
    stopwatch.enter(name)
    try:
        with record_function(name):
            yield
    finally:
        stopwatch.leave()
