"""Versions of the archive format, and migrations from older ones.

In every format, including future ones, `manifest.json` is the first member and contains `format_version`, the version
of `mtlkit` that wrote the archive, and under `members` the `sha256` and `size` of all other members.

1  the manifest has `format`, and no version of mtlkit
2  the manifest has `format_version` and `mtlkit`
3  components may have files of their own, `files/...`; archives without such files are still written in format 2
4  these may be frozen weights, without a limit of their own; archives of smaller files are still written in format 3
5  equal ones of these weights are a single member, which the others name as `same_as` in the manifest; archives without
   equal ones are still written in format 4
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mtlkit
from mtlkit.archive.members import FILES, MAX_ALL_FILES_BYTES
from mtlkit.config.own_files import MAX_FILES_BYTES
from mtlkit.errors import ArchiveError
from mtlkit.text import printable

FORMAT = 5
WITHOUT_FILES, WITHOUT_LARGE_FILES, WITHOUT_COPIES = 2, 3, 4


@dataclass(frozen=True)
class Documents:
    """The JSON documents of an archive, each an object."""

    manifest: dict[str, Any]
    experiment: dict[str, Any]
    meta: dict[str, Any]


def format_of(sizes: Mapping[str, int], *, has_copies: bool = False) -> int:
    """Returns the oldest format that allows members with these names and sizes, which most versions of mtlkit can
    read.

    Args:
        sizes: the size of each member in bytes, by its name.
        has_copies: whether some members are left out, since others have their content.
    """
    if has_copies:
        return FORMAT
    by_component: Counter[str] = Counter()
    for name, size in sizes.items():
        if name.startswith(f"{FILES}/"):
            by_component[name.rpartition("/")[0]] += size
    if not by_component:
        return WITHOUT_FILES
    is_large = max(by_component.values()) > MAX_FILES_BYTES or by_component.total() > MAX_ALL_FILES_BYTES
    return WITHOUT_COPIES if is_large else WITHOUT_LARGE_FILES


def check_version(path: Path, manifest: dict[str, Any]) -> None:
    """Checks that this version of mtlkit can read the format.

    Raises:
        ArchiveError: the format is newer.
        ValueError: the manifest does not give the format.
    """
    version = _version(manifest)
    if version > FORMAT:
        wrote = printable(str(manifest.get("mtlkit", "of some version")), 40)
        raise ArchiveError(
            f"{path}: was written by mtlkit {wrote} in format {version}, and this is mtlkit {mtlkit.__version__}, "
            f"which reads formats 1 to {FORMAT}; update mtlkit to read it"
        )


def migrated(documents: Documents) -> Documents:
    """Returns the documents converted to the current format."""
    while (version := _version(documents.manifest)) < FORMAT:
        documents = MIGRATIONS[version](documents)
    return documents


def _version(manifest: dict[str, Any]) -> int:
    version = manifest.get("format_version", manifest.get("format"))
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError("no format_version")
    return version


def _from_1(documents: Documents) -> Documents:
    manifest = {name: value for name, value in documents.manifest.items() if name not in ("format", "format_version")}
    wrote = documents.meta.get("mtlkit", "unknown")
    return replace(documents, manifest={"format_version": 2, "mtlkit": wrote, **manifest})


def _from_2(documents: Documents) -> Documents:
    return replace(documents, manifest={**documents.manifest, "format_version": 3})


def _from_3(documents: Documents) -> Documents:
    return replace(documents, manifest={**documents.manifest, "format_version": 4})


def _from_4(documents: Documents) -> Documents:
    return replace(documents, manifest={**documents.manifest, "format_version": 5})


MIGRATIONS: dict[int, Callable[[Documents], Documents]] = {1: _from_1, 2: _from_2, 3: _from_3, 4: _from_4}
"""For each older format, the function that converts its documents to the next format."""
