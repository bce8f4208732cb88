"""Many `mtlkit` commands as child processes, several at the same time."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, final

import torch

from mtlkit.errors import RunError
from mtlkit.runs.interrupts import Interrupted, Interrupts
from mtlkit.types import Say, silent

POLL_SECONDS = 0.1
JOB = "MTLKIT_JOB"
"""Set in the environment of each job, to its name."""


@dataclass(frozen=True)
class Job:
    """One command: `mtlkit ARGUMENTS`, under a name of its own among the jobs that run together."""

    name: str
    arguments: tuple[str, ...]
    log: Path
    """The file to which its output is added."""


def run_jobs(jobs: Sequence[Job], processes: int, say: Say = silent) -> dict[str, int]:
    """Runs each job as a process of its own and waits for all; one that fails keeps no other from running.

    Where there are several GPUs, each of the processes has one, by `--device cuda:N`, unless a job names its own.
    Children are in sessions of their own, so that Ctrl-C reaches them once, through here: training then ends with a
    checkpoint, and a second Ctrl-C ends it without one.

    Args:
        jobs: what to run, in this order.
        processes: how many of them at the same time.
        say: told how each has ended.

    Returns:
        The exit codes by name; a signal that ended a process is its number below zero.

    Raises:
        RunError: this process is a job itself. Whatever a job is told to do, it does so in its own process, so that no
            command has more processes than it was asked for.
        Interrupted: SIGINT or SIGTERM came and was passed on; all that ran has ended, and nothing more was started.
        OSError: a process or its log cannot be made; those that ran have ended as if interrupted.
    """
    if name := os.environ.get(JOB):
        raise RunError(
            f"this process is the job '{name}' of another mtlkit, so it starts no jobs of its own; run the command by "
            f"itself, or unset {JOB} where that is not so"
        )
    assert processes > 0 and len({job.name for job in jobs}) == len(jobs)
    waiting, codes = deque(jobs), dict[str, int]()
    with Interrupts() as interrupts, _Children(processes) as children:
        told = False
        while children.running or (waiting and interrupts.received is None):
            while waiting and children.free and interrupts.received is None:
                children.start(waiting.popleft())
            if interrupts.received is not None and not told:
                children.send(interrupts.received)
                told = True
            for child in children.take_ended():
                codes[child.job.name] = child.process.returncode
                say(f"{child.job.name}: {child.ending()}")
            time.sleep(POLL_SECONDS)
        if interrupts.received is not None:
            raise Interrupted(interrupts.received)
    return {job.name: codes[job.name] for job in jobs}


@final
class _Child:
    """A job that runs, or has just ended."""

    def __init__(self, job: Job, device: str | None) -> None:
        self.job = job
        self.started = time.monotonic()
        named = any(argument.split("=")[0] == "--device" for argument in job.arguments)
        chosen = () if device is None or named else ("--device", device)
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with job.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mtlkit.cli.child", str(os.getpid()), *job.arguments, *chosen],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"OMP_NUM_THREADS": "1", **os.environ, JOB: job.name},
                start_new_session=True,
            )

    def ending(self) -> str:
        """How it has ended, in words."""
        if self.process.returncode == 0:
            return f"done after {(time.monotonic() - self.started) / 60:.1f} minutes"
        if self.process.returncode < 0:
            return f"was ended by {signal.Signals(-self.process.returncode).name}"
        return f"ended with code {self.process.returncode}: {self._last_line() or f'{self.job.log} does not say why'}"

    def _last_line(self) -> str:
        with self.job.log.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


@final
class _Children:
    """The processes that run, each in a slot of its own; none is left behind when the block ends."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.running: dict[int, _Child] = {}
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        self.devices = [f"cuda:{number}" for number in range(count)] if count > 1 else [None]

    @property
    def free(self) -> bool:
        """Whether another one may start."""
        return len(self.running) < self.slots

    def start(self, job: Job) -> None:
        """Starts a job in the first free slot, with the slot's device."""
        slot = next(number for number in range(self.slots) if number not in self.running)
        self.running[slot] = _Child(job, self.devices[slot % len(self.devices)])

    def send(self, number: int) -> None:
        """Sends a signal to all that run."""
        for child in self.running.values():
            child.process.send_signal(number)

    def take_ended(self) -> list[_Child]:
        """Those that have ended since; they run no longer."""
        ended = [slot for slot, child in self.running.items() if child.process.poll() is not None]
        return [self.running.pop(slot) for slot in ended]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what still runs: after a second Ctrl-C, or an error of ours."""
        self.send(signal.SIGINT)
        for child in self.running.values():
            with suppress(KeyboardInterrupt):  # it was told, and is about to end
                child.process.wait()
