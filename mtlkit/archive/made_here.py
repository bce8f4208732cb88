"""Which archives this user has made with this cache, and the data that they were trained on.

    CACHE/archives/SHA-256.json     {"data": {real path: SHA-256}}, for the archive whose manifest has that digest

An archive names files of data, and may come from a stranger. Nothing in the archive can say that it does not: whatever
is in it can be copied from another. So what says so lies in the cache, which nobody else can change. The manifest has
the digests of all other members, so that an archive with its digest is that archive, wherever its file has gone.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from mtlkit.archive.documents import parse_json
from mtlkit.errors import DataError
from mtlkit.files import cache_folder, file_sha256, read_bounded, write_atomically
from mtlkit.files.ownership import OWN_FILE, check_ownership, opened_folder, own_folder

FOLDER = "archives"
LARGEST_RECORD = 16 * 2**20


@final
@dataclass(frozen=True)
class DataOfTraining:
    """The files of data that an archive was trained on here."""

    files: Mapping[str, str]
    """The SHA-256 of each file as it was, by its real path."""

    def has(self, path: Path) -> bool:
        """Returns whether a file, which exists, is one of them: it is in the same place, or has the same content.

        A file in another place may have been put there by the one who made the folder, under the name that the archive
        gives, and even as a link to any file. The same content has been read before.

        Raises:
            DataError: it cannot be read, or is a pipe or a device.
        """
        return os.path.realpath(path) in self.files or file_sha256(path) in self.files.values()


def manifest_digest(manifest: bytes) -> str:
    """Returns the digest by which an archive is known, given the bytes of its manifest."""
    return hashlib.sha256(manifest).hexdigest()


def remember(digest: str, data: Mapping[str, str]) -> str | None:
    """Records that this user has made an archive.

    Args:
        digest: the return value of `manifest_digest`.
        data: the SHA-256 of each file of data that was read for it, by its path.

    Returns:
        None, or why that cannot be recorded: the cache cannot be written, or somebody else can change it.
    """
    files = {os.path.realpath(path): sha256 for path, sha256 in data.items()}
    try:
        own_folder(cache_folder())
        folder = own_folder(cache_folder() / FOLDER, closed=True)
        write_atomically(folder / f"{digest}.json", json.dumps({"data": files}).encode() + b"\n", mode=OWN_FILE)
    except OSError as error:
        return f"{cache_folder()}: {error.strerror}"
    except DataError as error:
        return str(error)
    return None


def recalled(digest: str) -> DataOfTraining | None:
    """Returns the data of an archive that this user has made, or None if the cache does not know it.

    Raises:
        DataError: somebody else can change what the cache says about it.
    """
    try:
        with opened_folder(cache_folder() / FOLDER) as folder:
            check_ownership(file := folder / f"{digest}.json")
            files = parse_json(read_bounded(file, LARGEST_RECORD))["data"]
    except (OSError, ValueError, KeyError):  # missing, or damaged
        return None
    return DataOfTraining(files) if isinstance(files, dict) else None
