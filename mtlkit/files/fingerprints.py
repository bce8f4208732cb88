"""The content of files at one moment, by which later changes are noticed."""

import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from mtlkit.errors import DataError
from mtlkit.files.reading import NOT_REGULAR, file_sha256


@final
@dataclass(frozen=True)
class Fingerprint:
    """The content of a file at one moment, by which a later change is noticed.

    A digest that is recorded should be that of the bytes that were used. It is therefore taken before they are read,
    and `check` makes sure afterwards that nothing has written to the file in the meantime.
    """

    path: Path
    sha256: str
    size: int
    modified: int
    """The time of the last change, in nanoseconds."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Takes the fingerprint of a file.

        Raises:
            DataError: the file cannot be opened, or is a pipe or a device, which cannot be read twice.
        """
        try:
            # Before the bytes are hashed, so that `check` also notices a change during that.
            facts = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from None
        if not stat.S_ISREG(facts.st_mode) and not stat.S_ISDIR(facts.st_mode):
            raise DataError(f"{path}: {NOT_REGULAR}")
        return cls(path, file_sha256(path), facts.st_size, facts.st_mtime_ns)

    def seems_current(self) -> bool:
        """Returns whether size and time of the last change are as before. This reads nothing; see `check`."""
        facts = self.path.stat()
        return (facts.st_size, facts.st_mtime_ns) == (self.size, self.modified)

    def check(self) -> None:
        """Raises DataError if the file is no longer the one whose fingerprint was taken."""
        # The digest alone is not enough: a file may be emptied and written again with the same content.
        if Fingerprint.of(self.path) != self:
            raise DataError(f"{self.path}: changed while it was read; start again when nothing writes to it any more")


def check_unchanged(fingerprints: Iterable[Fingerprint], files: Collection[Path]) -> None:
    """Raises DataError if one of `files` has changed since its fingerprint was taken. Others are not looked at."""
    for each in fingerprints:
        if each.path in files:
            each.check()
