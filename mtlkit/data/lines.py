"""Reading of text files line by line, with errors that name the line."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from mtlkit.data.compression import DamagedError, unpacked
from mtlkit.errors import DataError

Line = TypeVar("Line")
Parsed = TypeVar("Parsed")
LONGEST_LINE = 2**24
"""The maximum length of a line in bytes. A longer line is not text but another file type, or a decompression bomb."""

BINARY = re.compile(rb"[\0-\x08\x0e-\x1f]")
"""Bytes that no text contains and numbers or compressed data do."""
BYTE_ORDER_MARK = "\ufeff"
"""What begins a file in UTF-8 that was written on Windows, and each part of a file that was joined of such files."""
UTF16_MARKS = (BOM_UTF16_LE, BOM_UTF16_BE, BOM_UTF32_BE)
"""Byte order marks of other encodings than UTF-8. That of UTF-32 with the low byte first begins as UTF-16's."""


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yields the lines of a UTF-8 file, numbered from 1 and without their `\n` or `\r\n`.

    A compressed file is unpacked as it is read: gzip, bzip2, xz, Zstandard, or a zip archive with one file, told by its
    content, whatever its name. A byte order mark at its start is not part of the first line. Lines end only at `\n`:
    U+0085, U+2028 and similar characters are text, although `str.splitlines` splits at them.

    Raises:
        DataError: the file is missing or unreadable, its compressed data are damaged, it is not text in UTF-8, its
            lines end at `\r` alone, or a line contains NUL or is longer than 16 MiB.
    """
    number = 0
    try:
        with open_lines(path) as file:
            for number, line in enumerate(bounded_lines(file), 1):
                if wrong := (what_is_wrong_at_the_start(line) if number == 1 else None) or what_is_wrong(line):
                    raise DataError(f"{path}:{number}: {wrong}")
                yield number, line.rstrip(b"\n").removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:{number}: not UTF-8 ({error.reason}); convert the file to UTF-8") from None
    except DamagedError as error:
        raise DataError(f"{path}:{number + 1}: {error.what}") from None
    except OSError as error:
        raise DataError(f"{path}:{number + 1}: cannot be read on ({error.strerror}); mend or copy the file") from None


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


def what_is_wrong_at_the_start(line: bytes) -> str | None:
    """Returns why the first line shows that no line of the file is text in UTF-8 that ends at LF, and the remedy."""
    if line.startswith(UTF16_MARKS):
        return "UTF-16 or UTF-32, by its byte order mark; convert the file to UTF-8"
    if not line.endswith(b"\n") and b"\r" in line[:-1] and BINARY.search(line) is None:
        return "lines that end at CR alone, as on old Macs; convert them to LF, as by `tr '\\r' '\\n'`"
    return None


def parse_lines(path: Path, parse: Callable[[str], Parsed]) -> Iterator[Parsed]:
    """Applies `parse` to each line. The file and line are prepended to a DataError that it raises.

    Raises:
        DataError: see `read_lines`; or a line begins with a byte order mark that is not the file's.
    """
    return parse_numbered(path, read_lines(path), parse)


def parse_numbered(path: Path, lines: Iterable[tuple[int, Line]], parse: Callable[[Line], Parsed]) -> Iterator[Parsed]:
    """Applies `parse` to each line of a file, as `parse_lines` does.

    Args:
        path: the file, for messages.
        lines: the lines with their numbers, as strings or as what has been made of them before.
        parse: is given each line.

    Raises:
        DataError: as for `parse_lines`; and whatever is raised by `lines`.
    """
    for number, line in lines:
        try:
            if isinstance(line, str) and line.startswith(BYTE_ORDER_MARK):
                raise DataError("a byte order mark inside the file, as where files were joined; remove it")
            parsed = parse(line)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from None
        yield parsed


@contextmanager
def open_lines(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file, and unpacks it as it is read if its content is compressed (see `unpacked`).

    Raises:
        DataError: the file cannot be opened or unpacked. While it is read, DamagedError tells of damaged data.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:  # the latter for a path that is none
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be read ({reason}); give a readable file") from None
    with file, unpacked(file, path) as lines:
        yield lines
