"""Where a command writes what a user has asked for: a file that appears whole, or a pipe or device that the user names.

It is never a file that the same command reads, and never a link, which may lead anywhere.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from mtlkit.errors import ConfigError
from mtlkit.files.replacing import new_file

if sys.platform != "win32":
    import fcntl

Inputs = Mapping[str, Path]
"""What a command reads: the files and folders, by what a user knows them as, such as `INPUT` or `--baseline`."""
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


@final
@dataclass(frozen=True)
class Output:
    """A file that a user has named for what a command gives; nothing is written to it before `opened`."""

    path: Path
    given: str
    """The option and its value, for messages."""
    is_stream: bool
    """Whether it is a pipe or a device, which is written to as it is."""

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Yields the file, which takes its place when the block ends without an error. A pipe or device is written to
        at once.

        Raises:
            ConfigError: it cannot be opened.
        """
        if self.is_stream:
            with _opened_stream(self.path, self.given) as stream:
                yield stream
            return
        with new_file(self.path) as file:
            yield file

    def write(self, content: bytes) -> None:
        """Writes all at once."""
        with self.opened() as file:
            file.write(content)


def output_file(path: Path, option: str = "--output", inputs: Inputs | None = None) -> Output:
    """Finds out, before the work begins, whether a file can be written.

    A pipe, a terminal, /dev/null and an open file, such as /dev/stdout or what a shell puts in place of `>(...)`,
    are written to as they are.

    Args:
        path: the file as the user gives it.
        option: the option by which it is given.
        inputs: what the command reads, as far as it is known.

    Raises:
        ConfigError: it cannot be written, is a symbolic link, or is an input of the command.
    """
    given = f"{option} {path}"
    if _is_stream(path, given):
        return Output(path, given, is_stream=True)
    if path.is_symlink():
        raise ConfigError(f"{given}: is a symbolic link, which is not followed; name the file it leads to")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"{given}: there is no folder {folder.resolve()}; make it first")
    if (path.exists() and not path.is_file()) or not os.access(folder, os.W_OK):
        raise ConfigError(f"{given}: cannot be written; give a file in a folder of yours")
    # The folder is resolved, so that the file is found even if links on the way are changed meanwhile.
    file = folder.resolve() / path.name
    check_is_no_input(file, given, inputs or {})
    return Output(file, given, is_stream=False)


def output_folder(path: Path, option: str) -> Path:
    """Returns the path of a folder that exists or can be created, and in which files can be written. Creates nothing.

    Raises:
        ConfigError: the folder cannot be created or written to.
    """
    folder = path.resolve()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ConfigError(f"{option} {path}: cannot be written to; give a folder of yours")
    return folder


def check_is_no_input(file: Path, given: str, inputs: Inputs) -> None:
    """Makes sure that a file is none of what a command reads, under whatever name.

    Args:
        file: the file, which need not exist.
        given: the option and its value, for the message.
        inputs: what the command reads.

    Raises:
        ConfigError: it is one of the inputs.
    """
    for name, path in inputs.items():
        if _is_same(file, path):
            also = "" if name.endswith(str(path)) else f" ({path})"
            raise ConfigError(f"{given}: is {name}{also}, which is read and would be lost; give another file")


def _is_same(file: Path, other: Path) -> bool:
    try:
        return file.samefile(other)
    except (OSError, ValueError):
        return False


def _is_stream(path: Path, given: str) -> bool:
    """Whether a path is that of a pipe, a device or an open file.

    Raises:
        ConfigError: it stands for an open file, and none is open under this number, or it is open for reading.
    """
    if (descriptor := _descriptor(path)) is not None:
        if not _can_be_written(descriptor):
            raise ConfigError(f"{given}: is not open for writing; give a file")
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _can_be_written(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
        return sys.platform == "win32" or fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        return False


def _descriptor(path: Path) -> int | None:
    """The number of the open file that a path such as /dev/fd/63 stands for; None if it stands for none."""
    if str(path) in STANDARD:
        return STANDARD[str(path)]
    found = DESCRIPTOR.fullmatch(str(path))
    return None if found is None else int(found[1])


@contextmanager
def _opened_stream(path: Path, given: str) -> Iterator[BinaryIO]:
    descriptor = _descriptor(path)
    try:
        # An open file is shared and not opened anew, since it would be emptied, or written to from its beginning.
        number = os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0)) if descriptor is None else os.dup(descriptor)
        stream = open(number, "wb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise ConfigError(f"{given}: cannot be written ({error.strerror}); give another file") from None
    with stream:
        yield stream
