"""Which job starts next: of a list, or of those that other machines with the same directory have left."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, final

from mtlkit.files import make_folder, open_lock, take_lock
from mtlkit.runs.directory import RunDirectory
from mtlkit.types import Say, silent

LOOK_SECONDS = 2.0
"""Seconds between two looks at what other machines have done."""


@dataclass(frozen=True)
class Job:
    """One command: `mtlkit ARGUMENTS`, under a name of its own among the jobs that run together."""

    name: str
    arguments: tuple[str, ...]
    log: Path
    """The file to which the job's output is appended."""


class Queue(Protocol):
    """Jobs that are to run, each once."""

    @property
    def names(self) -> Sequence[str]:
        """The names of all jobs, in their order."""

    @property
    def is_over(self) -> bool:
        """Whether none is left that might start."""

    def take(self) -> Job | None:
        """Another job to start; None if there is none at the moment."""

    def ended(self, job: Job) -> None:
        """Called when a job that was taken has ended."""

    def done_elsewhere(self) -> Sequence[str]:
        """The names of jobs that other machines have brought to their end."""

    def close(self) -> None:
        """Lets others have what was taken and has not ended."""


@final
class JobList:
    """Jobs of this process alone, in the order in which they start."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.names = [job.name for job in jobs]
        self._waiting = deque(jobs)

    @property
    def is_over(self) -> bool:
        """Whether all have been taken."""
        return not self._waiting

    def take(self) -> Job | None:
        """The next one."""
        return self._waiting.popleft() if self._waiting else None

    def ended(self, job: Job) -> None:
        """Nothing to do."""

    def done_elsewhere(self) -> Sequence[str]:
        """None are."""
        return ()

    def close(self) -> None:
        """Nothing to do."""


@final
class SharedJobs:
    """Jobs that machines with a shared disk divide among each other, each job a run with a directory of its own.

    Whoever holds the lock `.NAME.claim` beside the run has its job. The system releases the lock when its process ends,
    however it ends, and the run is then open again, unless it is finished: another machine goes on with it from its
    checkpoint. A job that has failed is not tried again by the same process.

    Args:
        runs: the run directory of each job, by the job's name.
        job: makes a job, given its name and whether its run has begun.
        say: receives a line when there is nothing to do but to wait for others.
    """

    def __init__(self, runs: Mapping[str, RunDirectory], job: Callable[[str, bool], Job], say: Say = silent) -> None:
        self.names = list(runs)
        self._runs, self._job, self._say = runs, job, say
        self._open, self._held = list(runs), dict[str, BinaryIO]()
        self._elsewhere: list[str] = []
        self._looked, self._waits = float("-inf"), False

    @property
    def is_over(self) -> bool:
        """Whether every job has been taken here, or is finished."""
        return not self._open

    def take(self) -> Job | None:
        """The first job that nobody has, and whose run is not finished."""
        if time.monotonic() < self._looked + LOOK_SECONDS:
            return None
        for name in [*self._open]:
            if (lock := self._claimed(name)) is None:
                continue
            self._open.remove(name)
            if self._runs[name].is_finished:
                lock.close()
                self._elsewhere.append(name)
                continue
            self._held[name], self._waits = lock, False
            return self._job(name, self._runs[name].is_run)
        if self._open and not self._waits:
            self._say(f"waiting for what other machines are at: {', '.join(self._open)}")
        self._looked, self._waits = time.monotonic(), bool(self._open)
        return None

    def ended(self, job: Job) -> None:
        """Lets others have it, if it has not come to its end."""
        self._held.pop(job.name).close()
        self._looked = float("-inf")

    def done_elsewhere(self) -> Sequence[str]:
        """The jobs that were found finished."""
        return self._elsewhere

    def close(self) -> None:
        """Gives all claims back, after an interrupt."""
        for lock in self._held.values():
            lock.close()

    def _claimed(self, name: str) -> BinaryIO | None:
        """The lock of a job, or None where another machine has it, or the run's last process is still saving."""
        path = self._runs[name].path
        make_folder(path.parent.resolve())
        lock = open_lock(path.with_name(f".{path.name}.claim"))
        if take_lock(lock) and not self._runs[name].in_use:
            return lock
        with suppress(OSError):
            lock.close()
        return None
