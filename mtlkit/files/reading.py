"""Reading of files that may come from a stranger, and their digests."""

import errno
import hashlib
import io
import os
import stat
from pathlib import Path

from mtlkit.errors import DataError

NOT_REGULAR = "is a pipe or a device, and has to be read more than once; save what it gives to a file, and name that"
"""The end of the message about a data file that is not a regular file."""


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
