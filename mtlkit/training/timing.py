"""Where the time of a step goes: sections of code that a stopwatch tells apart, if there is one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, final

import torch
from torch.profiler import record_function


@final
class Stopwatch:
    """Adds up the seconds of each section, from `start` to `stop`; a section inside another counts for itself alone.

    One at a time is running. While none is, `section` does next to nothing.

    Args:
        device: on a GPU each section waits for what it has begun there, or else its time would be a later one's.
    """

    running: ClassVar["Stopwatch | None"] = None

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}
        self.started = self.changed = 0.0
        self._open: list[str] = []

    def start(self) -> None:
        """Begins anew."""
        assert Stopwatch.running is None, "only one stopwatch can run"
        Stopwatch.running = self
        self.seconds = {}
        self.started = self.changed = self._now()

    def stop(self) -> float:
        """The seconds since `start`."""
        Stopwatch.running = None
        return self._now() - self.started

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
        if self._open:
            self.seconds[self._open[-1]] = self.seconds.get(self._open[-1], 0.0) + now - self.changed
        self.changed = now

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
