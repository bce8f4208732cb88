"""Decompression of files as they are read. The kind of compression is told by the first bytes, never by the name."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, final

from mtlkit.data.unpackers import unpacking
from mtlkit.errors import DataError

START = 512
"""The number of bytes that tell what a file is, if it has so many."""
PIECE = 2**17
"""The most bytes that are unpacked at a time."""
BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
OTHER_FILES = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x04\x22\x4d\x18": "lz4 data",
    b"\x1f\x9d": "data of the old `compress`",
    b"PAR1": "a Parquet file",
    b"%PDF-": "a PDF file",
    b"LZIP\x01": "lzip data",
    b"\x5d\0\0": "data of the old LZMA format",
    b"x\x9c": "zlib data",
    b"x\xda": "zlib data",
    b"ARROW1\0": "an Arrow file",
    b"\x93NUMPY": "an array of NumPy",
    b"SQLite format 3\0": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an Office document",
}
"""Files that are given by mistake for text, by their first bytes."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
TAR, PLACE_OF_TAR = b"ustar", 257
"""What a tar archive has at this place."""
DAMAGE = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, struct.error, ValueError, RuntimeError)
"""What Python's modules raise for compressed data that are damaged, encrypted or of a method that they lack, besides
OSError without a number. (NotImplementedError is a RuntimeError.)
"""


@final
class DamagedError(DataError):
    """Compressed data are damaged or cut off. `what` is the message without its place."""

    def __init__(self, path: Path, kind: str, reason: Exception) -> None:
        self.what = f"damaged {kind} ({reason}); fetch or compress the file again"
        super().__init__(f"{path}: {self.what}")


@contextmanager
def unpacked(file: io.BufferedReader, path: Path) -> Iterator[IO[bytes]]:
    """Gives the unpacked content of an open file, or the file itself if it is not compressed.

    gzip, bzip2, xz and Zstandard data are unpacked, also as several streams one after another, and so is a zip archive
    that has one file. Reading the content raises DamagedError where the data are damaged or end too early.

    Args:
        file: the file, opened for reading, at its start.
        path: its path, for messages.

    Raises:
        DataError: the file is an archive with more files than one, is compressed twice, or by a method that cannot be
            unpacked here.
    """
    start = file.peek(START)
    if (kind := compression_of(start)) is None:
        _refuse_other(start, f"{path}: is")
        yield file
        return
    pieces = _pieces_of_zip(file, path) if kind == "zip" else _pieces(file, kind, path)
    with io.BufferedReader(_Unpacked(pieces, kind, path), PIECE) as content:
        if inner := compression_of(start := content.peek(START)):
            raise DataError(f"{path}: {inner} data inside {kind} data; unpack the file once")
        _refuse_other(start, f"{path}: holds")
        yield content


def _refuse_other(start: bytes, place: str) -> None:
    if start.startswith(LFS_POINTER):
        raise DataError(f"{place} a pointer of Git LFS in place of the file; fetch the file by `git lfs pull`")
    is_tar = start[PLACE_OF_TAR:].startswith(TAR)
    other = next((name for magic, name in OTHER_FILES.items() if start.startswith(magic)), None)
    if is_tar or other:
        raise DataError(f"{place} {'a tar archive' if is_tar else other}; give its content as a text file")


def compression_of(start: bytes) -> str | None:
    """Returns the kind of compression of data that begin with these bytes (ten are enough), or None."""
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"BZh") and start[3:4].isdigit() and start[4:10] in BZIP2_BLOCKS:
        return "bzip2"
    if start.startswith(b"\xfd7zXZ\0"):
        return "xz"
    # Zstandard data may begin with a frame that is to be skipped, whose first byte has sixteen values.
    if start.startswith(b"\x28\xb5\x2f\xfd") or (start[1:4] == b"\x2a\x4d\x18" and start[0] >> 4 == 5):
        return "Zstandard"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return "zip"
    return None


@final
class _Unpacked(io.RawIOBase):
    """Unpacked pieces as one file."""

    def __init__(self, pieces: Generator[bytes], kind: str, path: Path) -> None:
        self._pieces, self._kind, self._path = pieces, kind, path
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io.BufferedReader gives
        try:
            while not self._piece and (piece := next(self._pieces, None)) is not None:
                self._piece = memoryview(piece)
        except OSError as error:
            if error.errno is not None:  # it is the disk's
                raise
            raise DamagedError(self._path, self._kind, error) from None
        except DAMAGE as error:
            raise DamagedError(self._path, self._kind, error) from None
        size = min(len(buffer), len(self._piece))
        buffer[:size], self._piece = self._piece[:size], self._piece[size:]
        return size

    def close(self) -> None:
        self._pieces.close()
        super().close()


def _pieces(file: IO[bytes], kind: str, path: Path) -> Generator[bytes]:
    """Yields the unpacked pieces of all streams of a file. Zeros may follow a stream, as tapes and xz leave them.

    Python's own files of these kinds are not used, as those of bz2 and lzma take a damaged second stream for the end.
    """
    found = unpacking(kind)
    if found is None:
        remedy = "run pip install zstandard, or unpack the file by `unzstd`"
        raise DataError(f"{path}: {kind} data, which this Python cannot unpack; {remedy}")
    new, size = found
    packed = file.read(size)
    while packed:
        stream = new()
        while not stream.eof:
            yield (piece := stream.decompress(packed, PIECE))
            packed = b""
            if stream.needs_input and not stream.eof and not (packed := file.read(size)) and not piece:
                raise EOFError("the data end too early")
        packed = stream.unused_data.lstrip(b"\0")
        while not packed and (more := file.read(size)):
            packed = more.lstrip(b"\0")


def _pieces_of_zip(file: IO[bytes], path: Path) -> Generator[bytes]:
    with zipfile.ZipFile(file) as archive:
        names = [member.filename for member in archive.infolist() if not _is_by_the_way(member)]
        if "[Content_Types].xml" in names:
            raise DataError(f"{path}: is an Office document; save it as text with TABs between the columns")
        if len(names) != 1:
            held = (
                f"{len(names)} files ({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})"
                if names
                else "no file"
            )
            raise DataError(f"{path}: a zip archive with {held}, where one file is read; unpack it and name a file")
        with archive.open(names[0]) as content:
            while piece := content.read(PIECE):
                yield piece


def _is_by_the_way(member: zipfile.ZipInfo) -> bool:
    """Returns whether a member is a folder, or a file that macOS adds."""
    parts = PurePosixPath(member.filename).parts
    return member.is_dir() or "__MACOSX" in parts or parts[-1:] == (".DS_Store",)
