"""Where the time of a step goes: sections of code that a stopwatch tells apart, if there is one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, final

import torch
from torch.profiler import record_function


@final
class Stopwatch:
    """Adds up the seconds of each section; a section inside another counts for itself alone.

    It runs from the first section after `start` until `stop`. One at a time is running; while none is, `section` does
    next to nothing.

    Args:
        device: on a GPU each section waits for what it has begun there, or else its time would be a later one's.
    """

    running: ClassVar["Stopwatch | None"] = None

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}
        self.total = 0.0
        self._changed: float | None = None
        self._open: list[str] = []

    def start(self) -> None:
        """Begins anew."""
        assert Stopwatch.running is None, "only one stopwatch can run"
        Stopwatch.running = self
        self.seconds, self.total, self._changed = {}, 0.0, None

    def stop(self) -> None:
        """No more is added; harmless if it is not running."""
        if Stopwatch.running is self:
            self._count()
            Stopwatch.running = None

    def enter(self, name: str) -> None:
        """A section begins; the one around it pauses."""
        self._count()
        self._open.append(name)

    def leave(self) -> None:
        """The innermost section is over."""
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
    """Gives the time of what is inside to the running stopwatch, and its name to the trace."""
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
