"""The members of an archive: their names, their maximum sizes, and errors about them."""

import re
from collections import Counter
from typing import final

from mtlkit.config.own_files import FILE_NAME, MAX_FILES, MAX_FILES_BYTES, OF_WEIGHTS
from mtlkit.errors import ArchiveError
from mtlkit.text import printable

MANIFEST = "manifest.json"
EXPERIMENT = "experiment.resolved.json"
META = "meta.json"
SEEN = "seen.safetensors"
VOCABULARY = "vocabulary"
FILES = "files"

MAX_MEMBERS = 10_000
MAX_BYTES = 16 * 2**30
"""The maximum number of bytes of all members together."""
MAX_EXPANSION, FREE_BYTES = 256, 64 * 2**20
"""The limit on the compression ratio: beyond the first 64 MiB, the content may be at most this many times as large as
the archive. Weights hardly compress, and at the level used for archives gzip compresses even zeros by less than a
factor of 230.
"""

MAX_ALL_FILES_BYTES = 512 * 2**20
"""The maximum number of bytes of the files of all components together, without those of frozen weights."""

PLACE = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*=[a-z0-9_]+"
"""Pattern of the names of folders of components' files."""
LARGEST = {
    r"manifest\.json|meta\.json|vocabulary/vocabulary\.json": 4 * 2**20,
    r"experiment\.resolved\.json": 2**20,
    r"vocabulary/labels\.[\w.%~-]+\.txt": 4 * 2**20,
    r"vocabulary/characters\.txt": 16 * 2**20,
    r"vocabulary/words\.txt": 2**28,
    r"seen\.safetensors": 2**30,
    rf"files/{PLACE}/(?=[^/]*\{OF_WEIGHTS}$){FILE_NAME}": MAX_BYTES,
    rf"files/{PLACE}/{FILE_NAME}": MAX_FILES_BYTES,
    r"weights/[\w +=,@%~-][\w .+=,@%~-]*\.safetensors": MAX_BYTES,
}
"""The maximum number of bytes of each kind of member, by the first pattern that its name matches. No other members are
allowed."""
LONGEST_NAME = 255
MAY_BE_COPIES = rf"files/[^/]+/[^/]+\{OF_WEIGHTS}"
"""Pattern of the members that an archive holds once where several have the same content."""


def largest_size(name: str) -> int | None:
    """Returns the maximum number of bytes of a member with this name, or None if such a member is not allowed."""
    if len(name.encode(errors="replace")) > LONGEST_NAME:  # bytes are what folders count
        return None
    return next((size for pattern, size in LARGEST.items() if re.fullmatch(pattern, name)), None)


@final
class FileCounts:
    """Counts the files of components as they are encountered."""

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def excess(self, name: str, size: int) -> str | None:
        """Counts a member if it is a component's file. Returns why it exceeds a limit, as the end of a sentence, or
        None.
        """
        if not name.startswith(f"{FILES}/"):
            return None
        folder = name.rpartition("/")[0]
        self._files[folder] += 1
        self._bytes[folder] += 0 if name.endswith(OF_WEIGHTS) else size
        if self._files[folder] > MAX_FILES:
            return f"is one of more than {MAX_FILES} of a component"
        if self._bytes[folder] > MAX_FILES_BYTES:
            return f"makes more than {MAX_FILES_BYTES >> 20} MiB of a component's own files"
        if self._bytes.total() > MAX_ALL_FILES_BYTES:
            return f"makes more than {MAX_ALL_FILES_BYTES >> 20} MiB of the own files of all components"
        return None


def damaged(path: object, member: str, reason: object) -> ArchiveError:
    """Creates the error for a member that is missing or has invalid content."""
    return ArchiveError(
        f"{path}: damaged: {printable(member)} is missing or cannot be read ({printable(str(reason))}); copy or make "
        "it again"
    )
