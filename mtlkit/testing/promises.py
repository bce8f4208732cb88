"""Promises of an interface, and what is said when one is not kept."""

from collections.abc import Iterator
from contextlib import contextmanager


def promise(kept: bool, otherwise: str) -> None:
    """A sentence for the component's author; not an `assert`, which `python -O` leaves out.

    Raises:
        AssertionError: the promise is not kept.
    """
    if not kept:
        raise AssertionError(otherwise)


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Says what was being done when the component raised an error of its own."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:  # a stranger's component may raise anything
        raise AssertionError(f"{what} it raises {type(error).__name__}: {error}") from error
