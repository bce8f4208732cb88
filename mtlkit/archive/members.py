"""The members of an archive: what they are called, how large each may be, and how an archive is refused."""

import re
from collections import Counter
from typing import final

from mtlkit.config.own_files import FILE_NAME, MAX_FILES, MAX_FILES_BYTES
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
"""Of all members together."""
MAX_EXPANSION, FREE_BYTES = 256, 64 * 2**20
"""Beyond the first 64 MiB no archive may be more than so many times as large as its file. Weights hardly compress, and
even of zeros gzip makes no less than a 230th at the level at which archives are written."""

MAX_ALL_FILES_BYTES = 512 * 2**20
"""Of the own files of all components."""

LARGEST = {
    r"manifest\.json|meta\.json|vocabulary/vocabulary\.json": 4 * 2**20,
    r"experiment\.resolved\.json": 2**20,
    r"vocabulary/labels\.[\w.%~-]+\.txt": 4 * 2**20,
    r"vocabulary/characters\.txt": 16 * 2**20,
    r"vocabulary/words\.txt": 2**28,
    r"seen\.safetensors": 2**30,
    rf"files/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*=[a-z0-9_]+/{FILE_NAME}": MAX_FILES_BYTES,
    r"weights/[\w +=,@%~-][\w .+=,@%~-]*\.safetensors": MAX_BYTES,
}
"""The bytes that each kind of member may have, by its name. There are no others."""
LONGEST_NAME = 255


def largest_size(name: str) -> int | None:
    """The bytes that a member of this name may have; None where an archive has no such member."""
    if len(name.encode(errors="replace")) > LONGEST_NAME:  # bytes are what folders count
        return None
    return next((size for pattern, size in LARGEST.items() if re.fullmatch(pattern, name)), None)


@final
class FileCounts:
    """Counts the own files of components as they are met."""

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def excess(self, name: str, size: int) -> str | None:
        """Counts a member, unless it is no such file; what makes it one too many, as the end of a sentence, or None."""
        if not name.startswith(f"{FILES}/"):
            return None
        folder = name.rpartition("/")[0]
        self._files[folder] += 1
        self._bytes[folder] += size
        if self._files[folder] > MAX_FILES:
            return f"is one of more than {MAX_FILES} of a component"
        if self._bytes[folder] > MAX_FILES_BYTES:
            return f"makes more than {MAX_FILES_BYTES >> 20} MiB of a component's own files"
        if self._bytes.total() > MAX_ALL_FILES_BYTES:
            return f"makes more than {MAX_ALL_FILES_BYTES >> 20} MiB of the own files of all components"
        return None


def damaged(path: object, member: str, reason: object) -> ArchiveError:
    """The error of a member that is missing or holds what it should not."""
    return ArchiveError(
        f"{path}: damaged: {printable(member)} is missing or cannot be read ({printable(str(reason))}); copy or make "
        "it again"
    )
