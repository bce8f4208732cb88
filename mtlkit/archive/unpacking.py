"""Unpacks an untrusted .tar.gz file in bounded pieces, and only the members that belong in an archive."""

import gzip
import hashlib
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, final

from mtlkit.archive.documents import parse_json
from mtlkit.archive.formats import check_version
from mtlkit.archive.made_here import manifest_digest
from mtlkit.archive.members import (
    FREE_BYTES,
    MANIFEST,
    MAX_BYTES,
    MAX_EXPANSION,
    MAX_MEMBERS,
    MAY_BE_COPIES,
    FileCounts,
    largest_size,
)
from mtlkit.archive.tar_headers import HeaderError, Member, TarHeaders
from mtlkit.errors import ArchiveError
from mtlkit.files import PRIVATE, give_name, open_to_write
from mtlkit.on_disk.archives import no_tar_gz, unreadable
from mtlkit.process.processor_time import TimeLimit
from mtlkit.text import printable

BLOCK = 2**20
NO_TAR_GZ = (OSError, EOFError, zlib.error, HeaderError)
"""The exceptions raised by files that are not gzip or tar files, or that are truncated."""


def unpack(path: Path, folder: Path, limit: TimeLimit) -> tuple[dict[str, Any], str]:
    """Writes the members of an archive below `folder`, and verifies each against the digest in the manifest.

    Args:
        path: the archive.
        folder: an empty folder.
        limit: the time that is left.

    Returns:
        The manifest, which may be in an older format, and its digest (see `manifest_digest`).

    Raises:
        ArchiveError: the archive is incomplete, has a newer format, or contains something that does not belong in it.
        OutOfTime: no time is left.
    """
    with _opened(path) as file:
        stream = _Stream(path, file, limit)
        unpacking = _Unpacking(path, folder, stream)
        try:
            headers = TarHeaders(stream.read)
            while (member := headers.next()) is not None:
                unpacking.take(member)
                headers.skip_padding(member.size)
            stream.finish()
        except NO_TAR_GZ as error:
            raise no_tar_gz(path, error) from None
        return unpacking.finish()


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from None


@final
class _Stream:
    """A forward-only stream of the decompressed bytes.

    Only one block is in memory at a time, whatever size the archive claims for its content.
    """

    def __init__(self, path: Path, file: IO[bytes], limit: TimeLimit) -> None:
        self._path = path
        self._file = file
        self._limit = limit
        self._gzip = gzip.GzipFile(fileobj=file)
        self._place = 0

    def read(self, size: int) -> bytes:
        """Returns exactly the next `size` bytes."""
        return b"".join(self.blocks(size))

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yields exactly the next `size` bytes, in blocks."""
        while size > 0:
            block = self._take(min(size, BLOCK))
            if not block:
                raise EOFError("it ends too early")
            size -= len(block)
            yield block

    def finish(self) -> None:
        """Reads to the end, where gzip stores a checksum. Nothing may follow the last member."""
        while block := self._take(BLOCK):
            if block.strip(b"\0"):
                raise HeaderError("something comes after its last member")

    def _take(self, size: int) -> bytes:
        self._limit.check()
        block = self._gzip.read(size)
        self._place += len(block)
        if self._place > MAX_BYTES:
            raise ArchiveError(f"{self._path}: unpacks to more than {MAX_BYTES >> 30} GiB; not unpacked, nor should it")
        if self._place > FREE_BYTES + MAX_EXPANSION * self._file.tell():
            raise ArchiveError(
                f"{self._path}: unpacks to more than {MAX_EXPANSION} times its size, as archives do not; not unpacked, "
                "ask its author for a sound one"
            )
        return block


@final
class _Unpacking:
    """Takes members one by one, and checks them before anything is written."""

    def __init__(self, path: Path, folder: Path, stream: _Stream) -> None:
        self._path = path
        self._folder = folder
        self._stream = stream
        self._manifest: dict[str, Any] = {}
        self._digest = ""
        self._expected: dict[str, Mapping[str, Any]] = {}
        self._found: dict[str, dict[str, Any]] = {}
        self._num_members = 0
        self._files = FileCounts()
        self._copied: set[str] = set()
        self._bytes_of_copies = 0

    def take(self, member: Member) -> None:
        """Writes the member at the current position of the stream, or raises if it does not belong in an archive."""
        name = member.name
        self._check(member)
        # The manifest comes first, so that whether this is an archive of a known format is decided before anything else
        # is written.
        if not self._num_members:
            if name != MANIFEST:
                raise self._no_archive()
            self._read_manifest(b"".join(self._stream.blocks(member.size)))
        elif name in self._found or name == MANIFEST:
            raise self._refused(name, "is there twice")
        else:
            self._found[name] = {"sha256": self._write(member), "size": member.size}
        self._num_members += 1

    def finish(self) -> tuple[dict[str, Any], str]:
        """Returns the manifest and its digest after checking that all members are present and match it."""
        if not self._num_members:
            raise self._no_archive()
        for name, facts in self._expected.items():
            if facts.get("same_as") is not None:
                self._copy(name, facts["same_as"])
        wrong = [name for name in self._expected.keys() | self._found.keys() if not self._is_as_expected(name)]
        if wrong:
            names = ", ".join(sorted(printable(name, 100) for name in wrong)[:5])
            raise ArchiveError(f"{self._path}: damaged: {names} not as the manifest says; copy or make it again")
        return self._manifest, self._digest

    def _check(self, member: Member) -> None:
        if self._num_members >= MAX_MEMBERS:
            raise ArchiveError(f"{self._path}: has more than {MAX_MEMBERS} members; not unpacked, nor should it")
        largest = largest_size(member.name)
        if not member.is_plain or largest is None:
            raise self._refused(member.name, "does not belong in an archive")
        if member.size > largest:
            raise self._refused(member.name, f"has {member.size} bytes, more than the {largest} it may have")
        if excess := self._files.excess(member.name, member.size):
            raise self._refused(member.name, excess)

    def _copy(self, name: str, original: object) -> None:
        """Puts frozen weights in their place that the archive holds under another name. They have a second name then,
        or are copied where the file system has none; a copy counts as if the archive held it.
        """
        known = self._found.get(original) if isinstance(original, str) else None
        if name in self._found or known is None or original in self._copied:
            raise self._refused(name, "is said to be as another member that is not there")
        if not all(re.fullmatch(MAY_BE_COPIES, each) for each in (name, str(original))):
            raise self._refused(name, "is said to be as another member, and only frozen weights may be")
        self._check(Member(name, known["size"], is_plain=True))
        self._num_members += 1
        self._bytes_of_copies += known["size"]
        if self._bytes_of_copies > MAX_BYTES:
            raise self._refused(name, f"makes more than {MAX_BYTES >> 30} GiB of copies")
        try:
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            give_name(self._folder / str(original), self._folder / name)
        except OSError as error:
            raise self._no_room(error) from None
        self._copied.add(name)
        self._found[name] = dict(known)

    def _read_manifest(self, content: bytes) -> None:
        try:
            self._manifest, self._digest = parse_json(content), manifest_digest(content)
            check_version(self._path, self._manifest)
            self._expected = dict(self._manifest["members"])
            if not all(isinstance(entry["sha256"], str) for entry in self._expected.values()):
                raise TypeError("a digest is not a string")
        except (ValueError, LookupError, TypeError):
            raise self._no_archive() from None

    def _write(self, member: Member) -> str:
        """Writes the content of a member and returns its SHA-256."""
        target = self._folder / member.name
        digest = hashlib.sha256()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A new file never overwrites: two names may be the same file on a file system that ignores case.
            file = open_to_write(target, mode=PRIVATE)
        except OSError as error:
            raise self._no_room(error) from None
        with file:
            for block in self._stream.blocks(member.size):
                digest.update(block)
                try:
                    file.write(block)
                except OSError as error:
                    raise self._no_room(error) from None
        return digest.hexdigest()

    def _is_as_expected(self, name: str) -> bool:
        expected, found = self._expected.get(name), self._found.get(name)
        if expected is None or found is None:
            return False
        said = {each: value for each, value in expected.items() if each != "same_as"}
        return found == {"size": found["size"], **said}

    def _no_archive(self) -> ArchiveError:
        return ArchiveError(f"{self._path}: begins with no readable {MANIFEST}; it is not an archive of mtlkit")

    def _refused(self, name: str, what: str) -> ArchiveError:
        remedy = "not unpacked, ask its author for a sound one"
        return ArchiveError(f"{self._path}: member '{printable(name, 100)}' {what}; {remedy}")

    def _no_room(self, error: OSError) -> ArchiveError:
        where = tempfile.gettempdir()
        return ArchiveError(
            f"{self._path}: cannot be unpacked below {where} ({error.strerror}); set TMPDIR to a folder with room"
        )
