"""The children of `run_jobs` and of a `ProcessPool` in a forked process are forked from it in turn, in no time too."""

import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import IO, Any, final

from mtlkit.cli import main
from mtlkit.cli.child import end_with_parent
from mtlkit.cli.console import messages
from mtlkit.process import pool
from mtlkit.process.children import python_command
from mtlkit.runs import answering
from mtlkit.runs.transfer import jobs

OPTIONS = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "start_new_session": True}


class ForkedProcess:
    """A process that is forked from this one, with those methods of `subprocess.Popen` that are used.

    This one must have no threads, since a lock that one of them held would stay locked in the child.

    Args:
        arguments: of `mtlkit`.
        streams: the open files that are its standard input, output and error.
        environment: its variables.
    """

    def __init__(self, arguments: Sequence[str], streams: Sequence[int], environment: Mapping[str, str]) -> None:
        assert len(os.listdir("/proc/self/task")) == 1
        self.returncode: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _live(parent, arguments, streams, environment)

    def poll(self) -> int | None:
        """The exit code, or a signal's number below zero; None if the process still runs."""
        return self._waited(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code, or a signal's number below zero, once the process has ended."""
        end = None if timeout is None else time.monotonic() + timeout
        while end is not None and self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("mtlkit", timeout or 0)
            time.sleep(0.005)
        return self._waited(0)

    def send_signal(self, number: int) -> None:
        """Sends it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _waited(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


@final
class ForkedChild(ForkedProcess):
    """What `run_jobs` needs of `subprocess.Popen`, for the one command that it gives."""

    def __init__(self, command: Sequence[str], *, stdout: IO[bytes], env: Mapping[str, str], **options: Any) -> None:
        assert command[:4] == python_command(str(jobs.CHILD), str(os.getpid())), command
        assert options == OPTIONS, options
        nothing = os.open(os.devnull, os.O_RDONLY)
        super().__init__(command[4:], (nothing, stdout.fileno(), stdout.fileno()), env)
        os.close(nothing)


@final
class ForkedAnswerer(ForkedProcess):
    """What a `ProcessPool` needs of `subprocess.Popen`, for the command of `answering_processes`."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], **options: Any) -> None:
        assert command[:4] == python_command(str(answering.CHILD), str(os.getpid())), command
        assert options == {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}, options
        (requests, ours), (answers, theirs) = os.pipe(), os.pipe()
        super().__init__(command[4:], (requests, theirs, 2), env)
        self.stdin, self.stdout = os.fdopen(ours, "wb"), os.fdopen(answers, "rb")
        os.close(requests)
        os.close(theirs)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self.send_signal(signal.SIGKILL)


def fork_children() -> None:
    """Makes `run_jobs` and pools fork, in this process, from now on."""
    names = {name: getattr(subprocess, name) for name in ("DEVNULL", "STDOUT")}
    jobs.subprocess = SimpleNamespace(Popen=ForkedChild, **names)  # type: ignore[attr-defined, assignment]
    names = {name: getattr(subprocess, name) for name in ("PIPE", "TimeoutExpired")}
    pool.subprocess = SimpleNamespace(Popen=ForkedAnswerer, **names)  # type: ignore[attr-defined, assignment]


def _live(parent: int, arguments: Sequence[str], streams: Sequence[int], environment: Mapping[str, str]) -> None:
    """The child's life. It never returns into the frames of its parent."""
    code: Any = 70
    try:
        os.setsid()
        for stream, file in enumerate(streams):
            os.dup2(file, stream)
        os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # the locks of the parent's among them
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(stream, mode, closefd=False) for stream, mode in enumerate(("r", "w", "w"))
        )
        messages.file = sys.stderr
        sys.argv = ["mtlkit", *arguments]
        end_with_parent(parent)
        answering.main() if arguments[0] == answering.NAME else main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 70)
