"""The exceptions that are caught when an archive is read, and how they are reported."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from mtlkit.archive.members import EXPERIMENT, damaged
from mtlkit.errors import ArchiveError, DataError, MtlkitError
from mtlkit.text import printable

UNREADABLE = (OSError, ValueError, LookupError, TypeError, RecursionError, SafetensorError, DataError)
"""The exceptions raised by a member that is missing or invalid."""
UNBUILDABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""The exceptions, besides mtlkit's own, that components raise for settings or labels that no model can be
trained with.
"""


@contextmanager
def reading(path: Path, folder: Path, name: str) -> Iterator[Path]:
    """Yields the path of a member. Whatever error its content causes is reported as a damaged archive."""
    try:
        yield folder / name
    except UNREADABLE as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).replace(f"{folder}/", "")
        raise damaged(path, name, reason) from None


def unsound(path: Path, what: str) -> ArchiveError:
    """Creates the error for an experiment that cannot result from training."""
    remedy = "update mtlkit, or ask its author for a sound one"
    return ArchiveError(f"{path}: {EXPERIMENT}: {printable(what)}; {remedy}")


def first_problem(error: Exception, member: str = EXPERIMENT) -> str:
    """Returns the first problem of a member and the number of further ones, or the first line of a message from
    PyTorch.
    """
    if not isinstance(error, MtlkitError):
        return (str(error).splitlines() or [type(error).__name__])[0]
    first, *more = str(error).removeprefix(f"{member}: ").split(f"\n{member}: ")
    return f"{first} (and {len(more)} more)" if more else first
