"""Files read line by line with errors that name the line, and files and folders that appear whole or not at all."""

import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
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


def file_sha256(path: Path) -> str:
    """The sha256 of the file as it lies there, in hexadecimal. Raises DataError where it cannot be opened."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a whole file or none: whoever opens `path` finds the old content or the new one, never a part."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
        with suppress(FileNotFoundError):
            target.rename(Path(temporary, "replaced"))
        try:
            fresh.rename(target)
        except OSError:
            if not target.is_dir():
                raise
