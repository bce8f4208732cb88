"""Files and folders that appear whole or not at all."""

import hashlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mtlkit.files.locks import holding
from mtlkit.files.opening import FOLDER, PRIVATE, PUBLIC, make_folder, open_to_write
from mtlkit.files.reading import open_regular

LONGEST_NAME = 200
"""The maximum number of bytes of a name to which the prefix and suffix of a temporary name are added."""
SUFFIX = r"-[a-z0-9_]{8}"
"""What follows the name of a file or folder in that of a temporary one, which begins with a dot."""
LONGEST_STEM = 16
"""The maximum number of characters of a folder's name in that of a temporary one."""


def write_atomically(path: Path, content: bytes, *, mode: int = PUBLIC) -> None:
    """Writes a file atomically: readers of `path` see either the old content or the new content, never a part of it.

    Args:
        path: the file. A symbolic link is replaced, not followed.
        content: all that is to be in it.
        mode: its permissions; the umask may take some away.
    """
    with new_file(path, mode=mode) as file:
        file.write(content)


def write_new(path: Path, content: bytes, *, mode: int = PUBLIC) -> None:
    """Writes a file that is not there yet, in a folder that nobody else looks at before it is complete.

    Raises:
        FileExistsError: there is one, if only a symbolic link.
    """
    with open_to_write(path, mode=mode) as file:
        file.write(content)


@contextmanager
def new_file(target: Path, *, mode: int = PUBLIC) -> Iterator[BinaryIO]:
    """Yields an open temporary file, which replaces `target` if the block ends without an error.

    An OSError about the temporary file, such as a full disk, is raised with the name of `target`, which users know.
    """
    # In a folder in which others can write, a name that can be foreseen could be a link of theirs by then.
    temporary = target.with_name(f".{shortened(target.name)}-{secrets.token_hex(4)}")
    try:
        with open_to_write(temporary, mode=mode) as file, holding(file.fileno()):
            yield file
            file.flush()
            os.fsync(file.fileno())  # before the rename, which must not be completed before the content
            if sys.platform != "win32":  # where no open file can be renamed
                temporary.replace(target)
        if sys.platform == "win32":
            temporary.replace(target)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(target)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def give_name(file: Path, other: Path) -> None:
    """Gives a file a second name that replaces what is there, by a hard link, or by a copy where the file system has no
    hard links.
    """
    temporary = other.with_name(f".{shortened(other.name)}-{secrets.token_hex(4)}")
    try:
        os.link(file, temporary, follow_symlinks=False)
        temporary.replace(other)
    except (OSError, NotImplementedError):
        with new_file(other) as copy, open_regular(file) as original:
            shutil.copyfileobj(original, copy, 2**20)
    finally:
        temporary.unlink(missing_ok=True)


def shortened(name: str) -> str:
    """A name to which more can be added, and which differs for different names."""
    content = os.fsencode(name)
    return name if len(content) <= LONGEST_NAME else f"{name[:40]}-{hashlib.sha256(content).hexdigest()[:16]}"


@contextmanager
def new_path(target: Path, *, mode: int = PUBLIC) -> Iterator[Path]:
    """Yields the path of an empty file that replaces `target` when the block ends, for libraries that open files by
    themselves; `new_file` is for code that writes to an open file.

    The empty file is in a folder that nobody else can write to. After an error in the block, `target` is as it was.
    """
    try:
        with _temporary_folder(target) as folder:
            fresh = folder / f"fresh{target.suffix}"
            with open_to_write(fresh, mode=mode) as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            yield fresh
            fresh.chmod(mode)  # of another file, where a library has replaced the empty one
            _flush(fresh)
            fresh.replace(target)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(target)
        raise


@contextmanager
def new_folder(target: Path, *, private: bool = False) -> Iterator[Path]:
    """Yields a temporary folder, which replaces `target` if the block ends without an error.

    If another process creates `target` first, its folder is kept: both have the same content. If `private`, nobody else
    can read or change the folder and its files. Raises OSError if nothing can be written.
    """
    if not target.parent.is_dir():  # or a link to one
        make_folder(target.parent)
    with _temporary_folder(target) as folder:
        fresh = folder / "fresh"
        fresh.mkdir(FOLDER)
        yield fresh
        for path in (fresh, *fresh.rglob("*")):
            if private:  # whatever the umask
                path.chmod(0o700 if path.is_dir() else PRIVATE)
            if path.is_file():
                _flush(path)
        # A folder with something in it cannot be renamed over. If the process is killed between the two renames, there
        # is neither folder, which readers take for one that was never made, but at no moment a mixture of both.
        with suppress(FileNotFoundError):
            target.rename(folder / "replaced")
        try:
            fresh.rename(target)
        except OSError:
            if not target.is_dir():
                raise


@contextmanager
def _temporary_folder(target: Path) -> Iterator[Path]:
    """Yields a folder beside `target` that only this user can write to, and deletes it afterwards. Meanwhile, it is
    known as in use by `is_locked`.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:LONGEST_STEM]}-") as folder:
        if sys.platform == "win32":
            yield Path(folder)
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with holding(descriptor):
                yield Path(folder)
        finally:
            os.close(descriptor)


def _flush(path: Path) -> None:
    """Waits until a file is on disk, so that the rename that follows cannot be completed before its content."""
    with open_regular(path) as file:
        os.fsync(file.fileno())
