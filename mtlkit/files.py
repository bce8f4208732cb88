"""Atomic writing of files and folders, locks, digests, and the location of the cache."""

import errno
import hashlib
import io
import os
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, final

from mtlkit.errors import ConfigError, DataError

if sys.platform != "win32":
    import fcntl

NOT_REGULAR = "is a pipe or a device, and has to be read more than once; save what it gives to a file, and name that"
"""The end of the message about a data file that is not a regular file."""
LONGEST_NAME = 200
"""The maximum number of bytes of a name to which the prefix and suffix of a temporary name are added."""


def cache_folder() -> Path:
    """Returns `$MTLKIT_CACHE`, or else `$XDG_CACHE_HOME/mtlkit`, or else `~/.cache/mtlkit`. It need not exist yet, and
    is checked where it is used (see `own_folder`).

    The cache holds downloads, indexed corpora and libraries compiled for this machine.
    """
    own, common = os.environ.get("MTLKIT_CACHE"), os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        if (own or common).startswith("~/") and os.environ.get("HOME") == "":
            raise RuntimeError("a folder of the root")
        return Path(own).expanduser() if own else Path(common).expanduser() / "mtlkit"
    except RuntimeError:
        raise ConfigError(
            f"the cache {own or common}: there is no such home folder; set MTLKIT_CACHE to a folder of yours"
        ) from None


def open_regular(path: Path) -> io.BufferedReader:
    """Opens a regular file for reading. Does not wait, as opening a pipe does until somebody writes to it.

    Raises:
        OSError: the file cannot be opened, or is a pipe or a device.
    """

    def at_once(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    file = open(path, "rb", opener=at_once)  # noqa: SIM115  # the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "is a pipe or a device", str(path))
    return file


def read_bounded(path: Path, most: int) -> bytes:
    """Reads a regular file as a whole, which may come from a stranger.

    Args:
        path: the file.
        most: the maximum number of bytes.

    Raises:
        OSError: the file cannot be read, is a pipe or a device, or is larger.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"has more than {most >> 20:,} MiB", str(path))
    return content


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of the file's bytes in hexadecimal. Raises DataError if the file cannot be opened, or is a
    pipe or a device.
    """
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from None


@final
@dataclass(frozen=True)
class Fingerprint:
    """The content of a file at one moment, by which a later change is noticed.

    A digest that is recorded should be that of the bytes that were used. It is therefore taken before they are read,
    and `check` makes sure afterwards that nothing has written to the file in the meantime.
    """

    path: Path
    sha256: str
    size: int
    modified: int
    """The time of the last change, in nanoseconds."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Takes the fingerprint of a file.

        Raises:
            DataError: the file cannot be opened, or is a pipe or a device, which cannot be read twice.
        """
        try:
            # Before the bytes are hashed, so that `check` also notices a change during that.
            facts = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from None
        if not stat.S_ISREG(facts.st_mode) and not stat.S_ISDIR(facts.st_mode):
            raise DataError(f"{path}: {NOT_REGULAR}")
        return cls(path, file_sha256(path), facts.st_size, facts.st_mtime_ns)

    def check(self) -> None:
        """Raises DataError if the file is no longer the one whose fingerprint was taken."""
        # The digest alone is not enough: a file may be emptied and written again with the same content.
        if Fingerprint.of(self.path) != self:
            raise DataError(f"{self.path}: changed while it was read; start again when nothing writes to it any more")


def check_unchanged(fingerprints: Iterable[Fingerprint], files: Collection[Path]) -> None:
    """Raises DataError if one of `files` has changed since its fingerprint was taken. Others are not looked at."""
    for each in fingerprints:
        if each.path in files:
            each.check()


def write_atomically(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Writes a file atomically: readers of `path` see either the old content or the new content, never a part of it.

    Its mode is `mode`, or that of any new file.
    """
    with new_file(path) as temporary:
        temporary.write_bytes(content)
        if mode is not None:
            temporary.chmod(mode)


def _shortened(name: str) -> str:
    """A name to which more can be added, and which differs for different names."""
    content = os.fsencode(name)
    return name if len(content) <= LONGEST_NAME else f"{name[:40]}-{hashlib.sha256(content).hexdigest()[:16]}"


def writable_file(path: Path, option: str = "--output") -> Path:
    """Returns the path at which a file can be written atomically. Symbolic links are followed, so that they are kept.

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
    """Returns the path of a folder that exists or can be created, and in which files can be written. Creates nothing.

    Raises:
        ConfigError: the folder cannot be created or written to.
    """
    folder = path.resolve()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ConfigError(f"{option} {path}: cannot be written to; give a folder of yours")
    return folder


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yields the path of a temporary file, which replaces `target` if the block ends without an error.

    An OSError about the temporary file, such as a full disk, is raised with the name of `target`, which users know.
    """
    # In a folder in which others can write, a name that can be foreseen could be a link of theirs by then.
    temporary = target.with_name(f".{_shortened(target.name)}-{secrets.token_hex(4)}")
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
    """Holds an exclusive lock for the duration of the block. Waits while another process holds it.

    The lock is a file that is never deleted; the lock of a process that was killed is released. It works across
    processes and across machines that share the folder. On Windows nothing is locked.
    """
    with path.open("w") as lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def take_lock(lock: IO[str]) -> bool:
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


def is_locked(path: Path) -> bool:
    """Returns whether a process holds this lock. The lock of a killed process is free. On Windows this is unknown."""
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
def new_folder(target: Path, *, private: bool = False) -> Iterator[Path]:
    """Yields a temporary folder, which replaces `target` if the block ends without an error.

    If another process creates `target` first, its folder is kept: both have the same content. If `private`, nobody else
    can read or change the folder and its files. Raises OSError if nothing can be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:16]}-") as temporary:
        fresh = Path(temporary, "fresh")
        fresh.mkdir()
        yield fresh
        for path in (fresh, *fresh.rglob("*")):
            if private:  # whatever the umask
                path.chmod(0o700 if path.is_dir() else 0o600)
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
    """Waits until a file is on disk, so that the rename that follows cannot be completed before its content."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def is_utf8(path: Path) -> bool:
    """Returns whether the bytes of a path are UTF-8, as safetensors and file formats need them."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def is_file(path: Path) -> bool:
    """Returns whether the file exists. A path that is not valid, such as one that is too long, does not exist."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
