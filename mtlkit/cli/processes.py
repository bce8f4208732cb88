"""`mtlkit train` and `evaluate --processes N`: starts the command N times on this machine, as torchrun would."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from mtlkit.process.children import child_environment, python_command
from mtlkit.process.interrupts import ENDING, Interrupted

CHILD = Path(__file__).with_name("child.py")
MONITOR_SECONDS = 0.2


def check_processes(asked: int | None) -> bool:
    """Returns whether this process is to start others, rather than to work.

    Raises:
        ConfigError: other processes have been started than are asked for, or far more are asked for than this machine
            has cores.
    """
    from mtlkit.errors import ConfigError
    from mtlkit.runs.processes import World, check_number

    started = World.of_environment().size
    if asked is not None and started > 1 and asked != started:
        raise ConfigError(f"--processes {asked}: {started} processes have been started; leave --processes out")
    if started == 1:
        check_number(asked)
    return asked is not None and asked > 1 and started == 1


def is_first_process() -> bool:
    """Whether this process prints what all have come to."""
    from mtlkit.runs.processes import World

    return World.of_environment().rank == 0


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Leaves it to the first process to say that all were interrupted."""
    try:
        yield
    except KeyboardInterrupt as error:
        if is_first_process():
            raise
        raise typer.Exit(error.exit_code if isinstance(error, Interrupted) else 128 + signal.SIGINT) from None


def run_in_processes(number: int, remedy: str) -> None:
    """Runs this command in so many processes, until all have ended.

    A process that fails ends the others. What went wrong has then been told by one of them, unless the system has ended
    it.

    Args:
        number: how many.
        remedy: what to do where one was killed.

    Raises:
        typer.Exit: they were interrupted, or one has failed; with its exit code.
        ProcessesError: one was ended by a signal such as SIGKILL, perhaps since memory was short.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from mtlkit.errors import ProcessesError
    from mtlkit.files.ownership import temporary_folder

    _silence("torch.distributed")  # its reports of what a process has told, and of signals
    # The shell has some ignored, such as SIGHUP under `nohup`.
    possible: list[signal.Signals] = [signal.SIGINT, *ENDING]
    ending = [each.name for each in possible if signal.getsignal(each) is not signal.SIG_IGN]
    program, *arguments = python_command(str(CHILD), str(os.getpid()), *sys.argv[1:])
    environment = child_environment()
    environment.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # not a page about every connection that ends
    os.environ.clear()  # what the processes inherit
    os.environ.update(environment)
    with temporary_folder() as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=number,
            run_id="mtlkit",
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            monitor_interval=MONITOR_SECONDS,
            logs_specs=DefaultLogsSpecs(log_dir=str(folder)),
            signals_to_handle=",".join(ending),
        )
        try:
            elastic_launch(config, program)(*arguments)
        except SignalException as interrupted:
            raise typer.Exit(128 + interrupted.sigval) from None
        except ChildFailedError as failed:
            rank, failure = failed.get_first_failure()
            if failure.exitcode < 0:  # it could tell nothing, and the others may only know that they were to end
                received = -failure.exitcode
                name = signal.Signals(received).name if received in {*signal.Signals} else f"signal {received}"
                raise ProcessesError(f"process {rank} of {number} was ended by {name}; {remedy}") from None
            raise typer.Exit(max(failure.exitcode, 1)) from None


def _silence(package: str) -> None:
    """Keeps a package that has been imported from logging, also by those of its loggers that have a level."""
    for name in [package, *logging.root.manager.loggerDict]:
        if name == package or name.startswith(f"{package}."):
            logging.getLogger(name).setLevel(logging.CRITICAL)
