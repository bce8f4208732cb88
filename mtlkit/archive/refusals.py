"""What is caught where an archive is read, and how it is told of the archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from mtlkit.archive.members import EXPERIMENT, damaged
from mtlkit.errors import ArchiveError, DataError, MtlkitError
from mtlkit.text import printable

UNREADABLE = (OSError, ValueError, LookupError, TypeError, RecursionError, SafetensorError, DataError)
"""What a member raises that is missing or not what it should be."""
UNBUILDABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What components raise, beside errors of ours, of settings or labels that no model has been trained with."""


@contextmanager
def reading(path: Path, folder: Path, name: str) -> Iterator[Path]:
    """Where a member lies; whatever goes wrong when it is read, it is the archive that is damaged."""
    try:
        yield folder / name
    except UNREADABLE as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).replace(f"{folder}/", "")
        raise damaged(path, name, reason) from None


def unsound(path: Path, what: str) -> ArchiveError:
    """The error of an experiment that no training has left."""
    remedy = "update mtlkit, or ask its author for a sound one"
    return ArchiveError(f"{path}: {EXPERIMENT}: {printable(what)}; {remedy}")


def first_problem(error: Exception, member: str = EXPERIMENT) -> str:
    """The first thing that is wrong with a member, and how many more there are; or what PyTorch says at first."""
    if not isinstance(error, MtlkitError):
        return (str(error).splitlines() or [type(error).__name__])[0]
    first, *more = str(error).removeprefix(f"{member}: ").split(f"\n{member}: ")
    return f"{first} (and {len(more)} more)" if more else first
