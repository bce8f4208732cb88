"""`mtlkit ARGUMENTS` in a process of its own that starts in no time: it is forked from one that has imported all.

The processes are not forked from the one that asks for them, which may have threads, but from a server without any.
"""

import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, final

from mtlkit.files import cache_folder
from mtlkit.files.ownership import own_folder
from tests.soak.observed import observe

IMPORTED = [
    "mtlkit.cli",
    "mtlkit.cli.console",
    "mtlkit.runs.inspection",
    "mtlkit.runs",
    "mtlkit.sweeps",
    "tests.soak.forked_children",
    "mtlkit.report",
    "tests.soak.workplace",
    "optuna.samplers",
    "optuna.storages.journal",
    "optuna.storages._rdb.models",
    "sqlalchemy.dialects.postgresql.psycopg",
    "alembic.command",
    "torch._inductor",
]
"""What is not installed is left out. The last one is what the first step of an optimiser imports, and deterministic
algorithms do; it takes seconds.
"""

CAPABILITY_VERSION = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3"""


@dataclass(frozen=True)
class Circumstances:
    """What a process lives under."""

    deterministic: bool = False
    """With `torch.use_deterministic_algorithms`."""
    largest_file: int | None = None
    """Bytes, by RLIMIT_FSIZE: writing more fails, as on a full disk; Python ignores the signal that comes with it."""
    more_memory: int | None = None
    """Bytes, by RLIMIT_AS: so much more than it has when it starts it may have."""
    bound: bool = False
    """By the permissions of files and folders, even if it is root's."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that are set for it."""
    lacking: tuple[str, ...] = ()
    """Packages that cannot be imported, as if they were not installed."""
    processor_seconds: int | None = None
    """By RLIMIT_CPU, for it and for each of its children; the system ends what takes longer."""
    folder: Path | None = None
    """Its current folder; None is that of the process that asks for it."""
    input: Path | None = None
    """Its standard input."""
    errors: Path | None = None
    """Where its standard error goes, if not where its output goes."""
    notes: Path | None = None
    """Where it notes what it does (see `observed`); it then has a process group of its own."""
    network: Path | None = None
    """The network namespace that it is in, as a file; Linux only."""
    stops_at_step: int | None = None
    """It stops as by SIGSTOP once it has a checkpoint after this step or a later one. What is killed then has not come
    to its end, however late the busy machine lets the killer run.
    """


@final
class Forked:
    """A process that has just started; its output goes to a file.

    Args:
        arguments: of `mtlkit`.
        log: the file, which is written again.
    """

    def __init__(self, arguments: Sequence[str | Path], log: Path, circumstances: Circumstances | None = None) -> None:
        self.log = log
        words = [*map(str, arguments)]
        self._process: ForkServerProcess = _server().Process(
            target=_main, args=(words, str(log), circumstances or Circumstances(), os.getcwd())
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None, "it has been started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Ends it as nothing else does: it is told nothing and can do nothing about it. Waits until it has ended."""
        self._process.kill()
        self._process.join()

    def kill_group(self) -> bool:
        """Kills whatever it has started, if it has a group of its own; whether there was anything."""
        assert self._process.pid is not None, "it has been started"
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    @property
    def is_group_running(self) -> bool:
        """Whether anything that it has started runs, if it has a group of its own."""
        assert self._process.pid is not None, "it has been started"
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def send(self, number: int) -> None:
        """Sends it a signal."""
        os.kill(self.pid, number)

    def go_on(self) -> None:
        """Lets it go on once it has stopped by itself: a signal that comes before is no help, and it would stand for
        good."""
        self.wait_until(lambda: has_stopped(self.pid))
        self.send(signal.SIGCONT)

    def fill_disk(self, largest_file: int) -> None:
        """Lets no file of the process become larger than this from now on; Linux only."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code, or a signal's number below zero; None if the process still runs after so many seconds."""
        self._process.join(seconds)
        return self._process.exitcode

    def wait_until(self, event: Callable[[], bool]) -> None:
        """Waits for something that it does."""
        while not event():
            assert self.is_running, self.output()
            time.sleep(0.001)

    def output(self) -> str:
        """What it has printed, to either stream."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def run_forked(
    arguments: Sequence[str | Path], log: Path, circumstances: Circumstances | None = None
) -> tuple[int | None, str]:
    """Runs `mtlkit ARGUMENTS` to its end; its exit code and output."""
    process = Forked(arguments, log, circumstances)
    return process.wait(), process.output()


def link_kernels(cache: Path) -> None:
    """Makes a cache that is empty but for the real cache's compiled kernels, since they take seconds to build."""
    kernels = own_folder(cache_folder() / "kernels")
    own_folder(cache)
    (cache / "kernels").symlink_to(kernels, target_is_directory=True)


def _server() -> ForkServerContext:
    """Started once. It imports from where this process does, whatever the current folder is."""
    context = get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return context


def _main(arguments: list[str], log: str, circumstances: Circumstances, folder: str) -> None:
    """What the process does. Never returns: nothing of the server's is to be cleaned up by it."""
    code: Any = 70
    end = None
    try:
        _redirect(Path(log), circumstances)
        if circumstances.notes is not None:
            os.setsid()
            end = observe(circumstances.notes)
        code = _mtlkit(arguments, circumstances, folder)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if end is not None:
            end()
        os._exit(code if isinstance(code, int) else 70)


def _redirect(log: Path, circumstances: Circumstances) -> None:
    """Output as in a shell: to the file, without Python's objects of the server."""
    for stream, path in ((1, log), (2, circumstances.errors or log)):
        # What goes to one file has one position in it.
        again = stream == 2 and circumstances.errors is None
        os.dup2(1 if again else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.stdout, sys.stderr = (
        os.fdopen(stream, "w", closefd=False, encoding="utf-8", errors=errors)
        for stream, errors in ((1, "strict"), (2, "backslashreplace"))
    )
    if circumstances.input is not None:
        os.dup2(os.open(circumstances.input, os.O_RDONLY), 0)
        sys.stdin = os.fdopen(0, closefd=False)


def _give_up_privileges() -> None:
    """Takes from a process of root's what lets it pass over permissions (CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice
    library = ctypes.CDLL(None, use_errno=True)
    assert library.capget(header, sets) == 0
    sets[0] &= ~0b110
    assert library.capset(header, sets) == 0


def has_stopped(pid: int) -> bool:
    """Whether a process stands still, as after SIGSTOP."""
    asked = subprocess.run(("ps", "-o", "stat=", "-p", str(pid)), capture_output=True, text=True)
    return asked.stdout.startswith("T")


def stop_at(step: int) -> None:
    """Stops this process once it has a checkpoint after this step or a later one: when its folder has been renamed."""
    rename = os.rename

    def rename_and_stop(source: Any, target: Any, **options: Any) -> None:
        rename(source, target, **options)
        found = re.fullmatch(r"step-(\d+)", Path(target).name)
        if found and int(found[1]) >= step:
            os.rename = rename  # once it goes on, it stops no more
            os.kill(os.getpid(), signal.SIGSTOP)

    os.rename = rename_and_stop


def _mtlkit(arguments: list[str], circumstances: Circumstances, folder: str) -> Any:
    import torch

    from mtlkit.cli.console import messages
    from tests.soak.forked_children import fork_children

    os.chdir(circumstances.folder or folder)
    os.environ.update(circumstances.environment)
    if circumstances.network is not None:
        with circumstances.network.open() as namespace:
            assert ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
    sys.modules.update(dict.fromkeys(circumstances.lacking))  # type: ignore[arg-type]
    tempfile.tempdir = None  # which the server has looked up for itself
    from mtlkit.__main__ import main  # only now, since it looks at the folder and the search paths

    torch.set_num_threads(1)
    if circumstances.deterministic:
        torch.use_deterministic_algorithms(True)
    if circumstances.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (circumstances.largest_file, resource.RLIM_INFINITY))
    if circumstances.processor_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (circumstances.processor_seconds, resource.RLIM_INFINITY))
    if circumstances.more_memory is not None:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + circumstances.more_memory, resource.RLIM_INFINITY))
    if circumstances.bound:
        _give_up_privileges()
    messages.file = sys.stderr
    if circumstances.notes is None:
        fork_children()  # what is watched starts its children as it does in earnest
    if circumstances.stops_at_step is not None:
        stop_at(circumstances.stops_at_step)
    sys.argv = ["mtlkit", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0
