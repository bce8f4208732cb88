"""Files and folders that are written atomically, digests of their content, locks, and the cache folder."""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mtlkit.errors import ConfigError, DataError

if sys.platform != "win32":
    import fcntl


def cache_folder() -> Path:
    """`$MTLKIT_CACHE`, else `$XDG_CACHE_HOME/mtlkit`, else `~/.cache/mtlkit`; it need not exist yet.

    Downloads, indexed corpora and what is compiled for this machine are kept there.
    """
    if own := os.environ.get("MTLKIT_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mtlkit"


def file_sha256(path: Path) -> str:
    """The sha256 of the file as it lies there, in hexadecimal. Raises DataError where it cannot be opened."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a whole file or none: whoever opens `path` finds the old content or the new one, never a part."""
    with new_file(path) as temporary:
        temporary.write_bytes(content)


def writable_file(path: Path, option: str = "--output") -> Path:
    """The path of a file that can be written whole or not at all, with links followed: they stay what they are.

    Raises:
        ConfigError: nothing can be written there.
    """
    file = path.resolve()
    if not file.parent.is_dir():
        raise ConfigError(f"{option} {path}: there is no folder {file.parent}; make it first")
    if (file.exists() and not file.is_file()) or not os.access(file.parent, os.W_OK):
        raise ConfigError(f"{option} {path}: cannot be written; give a file in a folder of yours")
    return file


def writable_folder(path: Path, option: str) -> Path:
    """The path of a folder that exists or can be made, and in which files can be written. Makes none.

    Raises:
        ConfigError: there can be none.
    """
    folder = path.resolve()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ConfigError(f"{option} {path}: cannot be written to; give a folder of yours")
    return folder


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """The path of a temporary file that becomes `target` when the block ends well, in place of what was there.

    An OSError of the temporary file, such as of a full disk, names `target`, which is what its reader knows.
    """
    temporary = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(target)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Holds a lock, a file that stays, for the time of the block; waits for whoever holds it, unless that is killed.

    Works over the processes of a machine, and over machines that share the folder. Windows has no such locks.
    """
    with path.open("w") as lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def take_lock(lock: IO[str]) -> bool:
    """Takes a lock until the file is closed; False if a process has it for longer than `is_locked` takes to ask."""
    if sys.platform == "win32":
        return True
    for is_last in (False, True):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not is_last:
                time.sleep(0.05)
        else:
            return True
    return False


def is_locked(path: Path) -> bool:
    """Whether a process has taken this lock. One that was killed has not; on Windows nobody can tell."""
    try:
        lock = path.open()
    except OSError:
        return False
    with lock:
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes `target` when the block ends well, in place of what was there.

    Where another process is faster its folder stays: both hold the same. Raises OSError where nothing can be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:16]}-") as temporary:
        fresh = Path(temporary, "fresh")
        fresh.mkdir()
        yield fresh
        for path in fresh.rglob("*"):
            if path.is_file():
                _flush(path)
        with suppress(FileNotFoundError):
            target.rename(Path(temporary, "replaced"))
        try:
            fresh.rename(target)
        except OSError:
            if not target.is_dir():
                raise


def _flush(path: Path) -> None:
    """Waits until a file is on disk, so that no rename outruns it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def is_file(path: Path) -> bool:
    """Whether there is such a file; a path that is none at all, such as one that is too long, names no file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
