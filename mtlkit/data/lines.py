"""Reading of text files line by line, with errors that name the line."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TypeVar, cast

from mtlkit.errors import DataError

Parsed = TypeVar("Parsed")
LONGEST_LINE = 2**24
"""The maximum length of a line in bytes. A longer line is not text but another file type, or a decompression bomb."""


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yields the lines of a UTF-8 file (gzip if named `.gz`), numbered from 1 and without their `\n` or `\r\n`.

    Lines end only at `\n`: U+0085, U+2028 and similar characters are text, although `str.splitlines` splits at them.

    Raises:
        DataError: the file is missing or unreadable, the gzip data are damaged, or a line contains NUL, is not UTF-8 or
            is longer than 16 MiB.
    """
    number = 0
    try:
        with open_lines(path) as file:
            for number, line in enumerate(bounded_lines(file), 1):
                if wrong := what_is_wrong(line):
                    raise DataError(f"{path}:{number}: {wrong}")
                yield number, line.rstrip(b"\n").removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:{number}: not UTF-8 ({error.reason}); convert the file to UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}:{number + 1}: damaged gzip ({error}); fetch or compress the file again") from None


def bounded_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yields a file's lines, the last one with or without its newline. Of a line that is too long, only the beginning
    is read.
    """
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE + 1)


def what_is_wrong(line: bytes) -> str | None:
    """Returns why the bytes of a line are not text, whatever the encoding, and the remedy."""
    if len(line) > LONGEST_LINE:
        return f"a line of more than {LONGEST_LINE:,} bytes; give a text file, with a text a line"
    if b"\0" in line:
        return "a NUL byte; convert the file to UTF-8, if it is UTF-16, or give a text file"
    return None


def parse_lines(path: Path, parse: Callable[[str], Parsed]) -> Iterator[Parsed]:
    """Applies `parse` to each line. The file and line are prepended to a DataError that it raises."""
    for number, line in read_lines(path):
        try:
            parsed = parse(line)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from None
        yield parsed


@contextmanager
def open_lines(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file, decompressing it if its name ends in `.gz`. Raises DataError if it cannot be opened."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:  # the latter for a path that is none
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be read ({reason}); give a readable file") from None
    with file, gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else nullcontext(file) as lines:
        yield cast(IO[bytes], lines)
