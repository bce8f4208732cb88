"""Files read line by line, with errors that name the line."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from mtlkit.errors import DataError

Parsed = TypeVar("Parsed")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""The lines of a UTF-8 file, gzip if named `.gz`, numbered from 1 and without their `\n` or `\r\n`.

    Lines end at `\n` only: U+0085, U+2028 and the like are text here, though `str.splitlines` would split at them.
    Raises DataError for a missing or unreadable file, damaged gzip and bytes that are not UTF-8.
    """
    number = 0
    try:
        with open_lines(path) as file:
            for number, line in enumerate(file, 1):
                yield number, line.rstrip(b"\n").removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:{number}: not UTF-8 ({error.reason}); convert the file to UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}:{number + 1}: damaged gzip ({error}); fetch or compress the file again") from None


def parse_lines(path: Path, parse: Callable[[str], Parsed]) -> Iterator[Parsed]:
    """What `parse` makes of each line. A DataError of `parse` gets the file and line in front."""
    for number, line in read_lines(path):
        try:
            parsed = parse(line)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from None
        yield parsed


@contextmanager
def open_lines(path: Path) -> Iterator[Iterable[bytes]]:
    """The file's lines, unpacked if its name ends in `.gz`. Raises DataError where it cannot be opened."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give a readable file") from None
    with file, gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else nullcontext(file) as lines:
        yield lines
