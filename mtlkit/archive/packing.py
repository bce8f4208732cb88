"""Packing of members into a .tar.gz file. Equal content gives equal bytes."""

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mtlkit
from mtlkit.archive.formats import format_of
from mtlkit.archive.made_here import manifest_digest
from mtlkit.archive.members import MANIFEST, MAX_BYTES, MAX_MEMBERS, MAY_BE_COPIES, FileCounts, largest_size
from mtlkit.errors import ArchiveError
from mtlkit.files import file_sha256, new_file

Content = Path | bytes
LARGEST_HEADERS = 4096
"""The maximum number of bytes that one member adds besides its content: headers and the padding of its last block."""
KEPT = "the run keeps its weights in checkpoints"


def pack(path: Path, members: Mapping[str, Content], plugins: Mapping[str, str]) -> str:
    """Writes the manifest and then the members, atomically. Of equal frozen weights only the first are written.

    Returns:
        What the archive is known by (see `manifest_digest`).

    Raises:
        ArchiveError: the archive could not be unpacked, because it exceeds a limit.
    """
    facts: dict[str, dict[str, Any]] = {
        name: {"sha256": _sha256(content), "size": _size(content)} for name, content in members.items()
    }
    copies = _copies({name: fact["sha256"] for name, fact in facts.items()})
    for name, original in copies.items():
        facts[name]["same_as"] = original
    version = format_of({name: fact["size"] for name, fact in facts.items()}, has_copies=bool(copies))
    written = {"format_version": version, "mtlkit": mtlkit.__version__}
    manifest = as_json({**written, "plugins": plugins, "members": facts})
    everything = {MANIFEST: manifest, **members}
    _check(path, everything)
    # Weights do not compress: level 1 costs little and still packs the text, and even zeros stay below MAX_EXPANSION.
    # No times: equal content, equal bytes.
    with (
        new_file(path) as raw,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, content in everything.items():
            if name not in copies:
                _add(tar, name, content)
    return manifest_digest(manifest)


def _copies(digests: Mapping[str, str]) -> dict[str, str]:
    """The frozen weights that are equal to those of a member before them, each with the first such member."""
    firsts: dict[str, str] = {}
    weights = [name for name in digests if re.fullmatch(MAY_BE_COPIES, name)]
    found = {name: firsts.setdefault(digests[name], name) for name in weights}
    return {name: first for name, first in found.items() if first != name}


def as_json(value: Any) -> bytes:
    """Encodes a JSON value as the content of a member."""
    return (json.dumps(value, indent=2) + "\n").encode()


def _check(path: Path, members: Mapping[str, Content]) -> None:
    """Applies the limits that are enforced when an archive is unpacked."""
    files = FileCounts()
    for name, content in members.items():
        largest = largest_size(name)
        if largest is None or _size(content) > largest:
            most = "cannot be in an archive" if largest is None else f"may have {largest} bytes in an archive"
            raise ArchiveError(f"{path}: not written, since {name} {most}; {KEPT}")
        if excess := files.excess(name, _size(content)):
            raise ArchiveError(f"{path}: not written, since {name} {excess}; {KEPT}")
    size = tarfile.RECORDSIZE + sum(_size(content) + LARGEST_HEADERS for content in members.values())
    if len(members) > MAX_MEMBERS or size > MAX_BYTES:
        most = f"{MAX_MEMBERS} members and {MAX_BYTES >> 30} GiB"
        raise ArchiveError(f"{path}: not written, since an archive has at most {most}; {KEPT}")


def _add(tar: tarfile.TarFile, name: str, content: Content) -> None:
    info = tarfile.TarInfo(name)
    info.size = _size(content)
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
        tar.addfile(info, stream)


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _sha256(content: Content) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else file_sha256(content)
