"""The headers of a tar file as mtlkit writes it: plain members, and before one of them a header for its long name.

Python's `tarfile` also reads extensions that archives never have, such as maps of sparse files and chains of headers,
and a few kilobytes of those may take it minutes and gigabytes.
"""

from collections.abc import Callable
from typing import NamedTuple, final

BLOCK = 512
"""Headers are of this size, and contents are padded to a multiple of it."""
PLAIN = (b"0", b"\0")
EXTENDED = b"x"
MAGIC = (b"ustar\00000", b"ustar  \0")
"""Those of POSIX, and of GNU, which some tools write that pack archives anew."""
LARGEST_EXTENSION = 1024
"""The maximum number of bytes of the records that hold a name of more than 100 bytes, and a size from 8 GiB on."""


class HeaderError(ValueError):
    """A header is damaged, or is none that an archive may have."""


class Member(NamedTuple):
    """A member whose content comes next."""

    name: str
    size: int
    is_plain: bool
    """False for a link, a folder, a sparse file or anything else, whose size may be any number."""


@final
class TarHeaders:
    """Reads the header of one member after another from a stream.

    Args:
        read: returns the next bytes of the stream, exactly as many as asked for. Raises EOFError at its end.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def next(self) -> Member | None:
        """Reads the next header, after which the stream is at the member's content. Returns None after the last member.

        Raises:
            HeaderError: the header is damaged, or one of records that archives do not have.
        """
        header = self._read(BLOCK)
        if not header.strip(b"\0"):  # the end of an archive is blocks of zeros
            return None
        records: dict[str, str] = {}
        if _kind(header) == EXTENDED:
            records = self._records(header)
            header = self._read(BLOCK)
        is_plain = _kind(header) in PLAIN
        size = _number(records["size"].encode(), 10) if "size" in records else _size(header)
        return Member(records.get("path", _name(header)), size, is_plain)

    def skip_padding(self, size: int) -> None:
        """Reads what pads a content of this size."""
        self._read(-size % BLOCK)

    def _records(self, header: bytes) -> dict[str, str]:
        """Reads the records of an extended header, such as `22 path=vocabulary/a\\n`."""
        size = _size(header)
        if size > LARGEST_EXTENSION:
            raise HeaderError(f"a header of {size} bytes")
        content, found = self._read(size), dict[str, str]()
        self.skip_padding(size)
        while content:
            # The length of a record counts all of it: its own digits, the blank after them, and the newline.
            length = _number(content.partition(b" ")[0], 10)
            record, content = content[:length], content[length:]
            key, equals, value = record.partition(b" ")[2].removesuffix(b"\n").partition(b"=")
            name = key.decode("ascii", errors="replace")
            is_whole = equals and len(record) == length and record.endswith(b"\n")
            if not is_whole or name not in ("path", "size") or name in found:
                raise HeaderError("a header has records that archives do not have")
            found[name] = value.decode("utf-8", errors="replace")
        return found


def _kind(header: bytes) -> bytes:
    """Checks a header, and returns its type."""
    # The sum of all bytes, those of the field of the checksum itself counted as blanks.
    if _number(header[148:156]) != sum(header[:148]) + sum(b" " * 8) + sum(header[156:]):
        raise HeaderError("a header has a wrong checksum")
    if header[257:265] not in MAGIC:
        raise HeaderError("a header is not that of a plain member")
    return header[156:157]


def _name(header: bytes) -> str:
    name = _text(header[:100])
    # GNU has other things in these bytes, such as times.
    prefix = _text(header[345:500]) if header[257:265] == MAGIC[0] else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", errors="replace")


def _size(header: bytes) -> int:
    return _number(header[124:136])


def _number(field: bytes, base: int = 8) -> int:
    # GNU's binary numbers are not read: sizes that need them come in an extended header, as POSIX has it.
    digits = field.strip(b"\0 ")
    if len(digits) > 20 or not digits.isdigit() or (base == 8 and max(digits) > ord("7")):
        raise HeaderError("a header has no valid number where one belongs")
    return int(digits, base)
