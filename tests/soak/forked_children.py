"""The children of `run_jobs` in a forked process are forked from it in turn: they too start in no time."""

import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import IO, Any, final

from mtlkit.cli import main
from mtlkit.cli.child import end_with_parent
from mtlkit.cli.console import messages
from mtlkit.runs.transfer import jobs

OPTIONS = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "start_new_session": True}


@final
class ForkedChild:
    """What `run_jobs` needs of `subprocess.Popen`, for the one command that it gives. Its process must have no threads,
    since a lock that one of them held would stay locked in the child.
    """

    def __init__(self, command: Sequence[str], *, stdout: IO[bytes], env: Mapping[str, str], **options: Any) -> None:
        assert command[:4] == jobs.python_command(str(jobs.CHILD), str(os.getpid())), command
        assert options == OPTIONS, options
        assert len(os.listdir("/proc/self/task")) == 1
        self.returncode: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _live(parent, command[4:], stdout.fileno(), env)

    def poll(self) -> int | None:
        """The exit code, or a signal's number below zero; None if the process still runs."""
        return self._waited(os.WNOHANG)

    def wait(self) -> int | None:
        """The exit code, or a signal's number below zero, once the process has ended."""
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


def fork_children() -> None:
    """Makes `run_jobs` fork, in this process, from now on."""
    names = {name: getattr(subprocess, name) for name in ("DEVNULL", "STDOUT")}
    jobs.subprocess = SimpleNamespace(Popen=ForkedChild, **names)  # type: ignore[attr-defined, assignment]


def _live(parent: int, arguments: Sequence[str], log: int, environment: Mapping[str, str]) -> None:
    """The child's life. It never returns into the frames of its parent."""
    code: Any = 70
    try:
        os.setsid()
        for stream, file in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
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
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 70)
