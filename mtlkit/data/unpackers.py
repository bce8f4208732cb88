"""Unpackers of single streams of compressed data, all of the form of `bz2.BZ2Decompressor`."""

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast, final

PACKED = 2**16
"""How many packed bytes an unpacker is given at a time."""
PACKED_WITHOUT_BOUND = 2**9
"""The same, where what is unpacked at a time has no bound of its own. In Zstandard it is 2**15 times as much at most:
four bytes stand for a block of 128 KiB.
"""

ZSTANDARD = (("compression.zstd", PACKED), ("backports.zstd", PACKED), ("zstandard", PACKED_WITHOUT_BOUND))
"""Modules that unpack Zstandard, in the order of preference; the first comes with Python 3.14. The others are packages,
which mtlkit uses if they are installed.
"""


class Unpacker(Protocol):
    """An unpacker of one stream. It raises OSError, EOFError, ValueError, zlib.error or LZMAError on damaged data."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream has been reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether `decompress` can give nothing more without more packed data."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given after the end of the stream."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Takes packed data and returns at most `max_length` unpacked bytes; the others come in later calls."""
        ...


def unpacking(kind: str) -> tuple[Callable[[], Unpacker], int] | None:
    """Returns what makes an unpacker of a stream of gzip, bzip2, xz or Zstandard data, and how many bytes to give it at
    a time; None if this Python has none.
    """
    if kind == "Zstandard":
        return _unpacking_zstandard()
    makers: dict[str, Callable[[], Unpacker]] = {
        "gzip": _Gzip,
        "bzip2": bz2.BZ2Decompressor,
        "xz": lzma.LZMADecompressor,
    }
    return makers[kind], PACKED


def _unpacking_zstandard() -> tuple[Callable[[], Unpacker], int] | None:
    for name, size in ZSTANDARD:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        return partial(_Zstandard, module), size
    return None


@final
class _Gzip:
    """zlib's unpacker, which verifies checksums and lengths."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail or data, max_length)


@final
class _Zstandard:
    """The unpacker of `compression.zstd` or of the package `zstandard`. The errors of both are no ValueError."""

    def __init__(self, module: Any) -> None:
        self._error: type[Exception] = module.ZstdError
        stream = module.ZstdDecompressor()
        self._is_bounded = hasattr(stream, "needs_input")
        self._stream = stream if self._is_bounded else stream.decompressobj()

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def needs_input(self) -> bool:
        return not self._is_bounded or bool(self._stream.needs_input)

    @property
    def unused_data(self) -> bytes:
        return cast(bytes, self._stream.unused_data)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        try:
            return cast(bytes, self._stream.decompress(data, *([max_length] if self._is_bounded else [])))
        except self._error as error:
            raise ValueError(error) from None
