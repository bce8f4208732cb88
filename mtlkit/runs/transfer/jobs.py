"""Runs many `mtlkit` commands as child processes, several at the same time."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

import torch

from mtlkit.errors import RunError
from mtlkit.files import make_folder, open_to_write
from mtlkit.process.children import child_environment, python_command
from mtlkit.process.interrupts import Interrupted, Interrupts
from mtlkit.runs.processes import check_number
from mtlkit.runs.transfer.queues import Job, JobList, Queue
from mtlkit.types import Say, silent

POLL_SECONDS = 0.1
CHILD = Path(__file__).parents[2] / "cli" / "child.py"
JOB = "MTLKIT_JOB"
"""The environment variable that is set to the job's name in each child process."""


def run_jobs(jobs: Sequence[Job] | Queue, processes: int, say: Say = silent) -> dict[str, int]:
    """Runs each job in a process of its own and waits for all of them; a job that fails does not stop the others.

    If there are several GPUs, each process is given one, by `--device cuda:N`, unless the job names a device itself.
    Children run in sessions of their own, so that Ctrl-C reaches them only once, through this process: training then
    ends with a checkpoint, and a second Ctrl-C ends it without one.

    Args:
        jobs: the jobs, in the order in which they start; or a queue that says which one does.
        processes: the number of jobs that run at the same time.
        say: receives a line on how each job has ended.

    Returns:
        The exit code of each job by its name, 0 for one that another machine has done; the negative number of the
        signal for a process that a signal ended.

    Raises:
        ConfigError: far more processes are asked for than this machine has cores.
        RunError: this process is a job itself. Jobs start no jobs, so that no command uses more processes than the user
            asked for. Or a log cannot be written.
        Interrupted: SIGINT, SIGTERM or SIGHUP was received and passed on; all running jobs have ended, and no more
            were started.
        OSError: a process cannot be created; the running jobs have ended as if interrupted.
    """
    if name := os.environ.get(JOB):
        raise RunError(
            f"this process is the job '{name}' of another mtlkit, so it starts no jobs of its own; run the command by "
            f"itself, or unset {JOB} where that is not so"
        )
    queue = JobList(jobs) if isinstance(jobs, Sequence) else jobs
    check_number(processes)
    assert processes > 0 and len(set(queue.names)) == len(queue.names)
    codes = dict[str, int]()
    with closing(queue), Interrupts() as interrupts, _Children(processes) as children:
        # Once a signal has come, no job starts any more, but those that run are waited for: they write checkpoints.
        told = False
        while children.running or (not queue.is_over and interrupts.received is None):
            while children.free and interrupts.received is None and (job := queue.take()) is not None:
                children.start(job)
            if interrupts.received is not None and not told:
                children.send(interrupts.received)
                told = True
            for child in children.take_ended():
                codes[child.job.name] = child.process.returncode
                queue.ended(child.job)
                say(f"{child.job.name}: {child.ending()}")
            time.sleep(POLL_SECONDS)
        if interrupts.received is not None:
            raise Interrupted(interrupts.received)
    codes.update(dict.fromkeys(queue.done_elsewhere(), 0))
    return {name: codes[name] for name in queue.names}


@final
class _Child:
    """A job that is running, or has just ended."""

    def __init__(self, job: Job, device: str | None) -> None:
        self.job = job
        self.started = time.monotonic()
        named = any(argument.split("=")[0] == "--device" for argument in job.arguments)
        chosen = () if device is None or named else ("--device", device)
        make_folder(job.log.parent.resolve())
        try:
            log = open_to_write(job.log, "append")
        except OSError as error:
            raise RunError(f"{job.log}: the log cannot be written ({error.strerror}); move it elsewhere") from None
        with log:
            self.log_start = log.tell()
            # Through cli.child, so that a child ends with a checkpoint if this process is killed. One thread for each,
            # unless the user says otherwise: many processes with a thread per core would slow each other down.
            self.process = subprocess.Popen(
                python_command(str(CHILD), str(os.getpid()), *job.arguments, *chosen),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"OMP_NUM_THREADS": "1", **child_environment(), JOB: job.name},
                start_new_session=True,
            )

    def ending(self) -> str:
        """How the job has ended, in words, with the last line of its log if it failed."""
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
    """The running processes, each in a slot of its own; none is left behind when the `with` block ends."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.running: dict[int, _Child] = {}
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        self.devices = [f"cuda:{number}" for number in range(count)] if count > 1 else [None]

    @property
    def free(self) -> bool:
        """Whether a slot is free for another job."""
        return len(self.running) < self.slots

    def start(self, job: Job) -> None:
        """Starts a job in the first free slot, with the slot's device."""
        slot = next(number for number in range(self.slots) if number not in self.running)
        self.running[slot] = _Child(job, self.devices[slot % len(self.devices)])

    def send(self, number: int) -> None:
        """Sends a signal to all running processes."""
        for child in self.running.values():
            child.process.send_signal(number)

    def take_ended(self) -> list[_Child]:
        """Removes the processes that have ended since the last call, and returns them."""
        ended = [slot for slot, child in self.running.items() if child.process.poll() is not None]
        return [self.running.pop(slot) for slot in ended]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes that are still running: after a second Ctrl-C, or an error in this process."""
        self.send(signal.SIGINT)
        for child in self.running.values():
            with suppress(KeyboardInterrupt):  # on yet another Ctrl-C: the child has had its signal, so stop waiting
                child.process.wait()
