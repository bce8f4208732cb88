"""Locks between processes: files that only mtlkit makes, and that nothing is written to."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from mtlkit.files.opening import open_to_write
from mtlkit.files.reading import open_regular

if sys.platform != "win32":
    import fcntl

MARK = b"a lock of mtlkit\n"
"""The content of a lock, by which it is known. Those that earlier versions left behind are empty."""


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Holds an exclusive lock for the duration of the block. Waits while another process holds it.

    The lock is a file that is never deleted; the lock of a process that was killed is released. It works across
    processes and across machines that share the folder. On Windows nothing is locked.

    Raises:
        OSError: the lock cannot be made, or something else has its name.
    """
    # Were the file deleted afterwards, a process that had opened it would hold a lock without a name, while others lock
    # a new file at its path.
    with open_lock(path) as lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def open_lock(path: Path) -> BinaryIO:
    """Opens the file of a lock, which is made if it is not there. A file that is there is not changed.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    try:
        lock = open_to_write(path)
    except FileExistsError:
        try:
            lock = open_to_write(path, "change")
            # The beginning of the mark will do: another process may have made the file, and not yet written to it.
            if not MARK.startswith(lock.read(len(MARK) + 1)):
                lock.close()
                raise OSError(errno.EEXIST, "is no lock", str(path))
        except OSError as error:
            raise OSError(error.errno, f"{path.name} beside it {_reason(error)}", str(path)) from None
    else:
        lock.write(MARK)
        lock.flush()
    return lock


def _reason(error: OSError) -> str:
    if error.errno in (errno.EEXIST, errno.EPERM):
        return f"is not a lock of mtlkit: it {'has other content' if error.errno == errno.EEXIST else error.strerror}"
    return f"is a lock that cannot be used: {error.strerror}"


def remove_lock(lock: IO[bytes], path: Path) -> None:
    """Deletes the file of a lock that is held, if mtlkit made it."""
    with suppress(OSError):
        with open_regular(path) as file:  # which may be another one by now
            is_ours = os.path.sameopenfile(file.fileno(), lock.fileno()) and file.read(len(MARK) + 1) == MARK
        if is_ours:
            path.unlink()


def take_lock(lock: IO[bytes]) -> bool:
    """Takes a lock until the file is closed. Returns False if another process holds it for longer than the short time
    that `is_locked` needs to check.
    """
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


@contextmanager
def holding(descriptor: int) -> Iterator[None]:
    """Marks an open file or folder as in use by a living process, as far as the file system has such locks."""
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    yield


def is_locked(path: Path) -> bool:
    """Returns whether a process holds this lock, or is writing this temporary file or folder. What a killed process
    held is free. On Windows this is unknown.
    """
    if sys.platform == "win32":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # of a file system without locks
        return False
    finally:
        os.close(descriptor)
    return False
