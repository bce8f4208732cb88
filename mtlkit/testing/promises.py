"""Reporting of promises of an interface that are not kept."""

from collections.abc import Iterator
from contextlib import contextmanager


def promise(kept: bool, otherwise: str) -> None:
    """Raises an error with a sentence for the component's author. Unlike `assert`, it also works under `python -O`.

    Raises:
        AssertionError: the promise is not kept.
    """
    if not kept:
        raise AssertionError(otherwise)


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Adds a description of the current action to an error that the component raises."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:  # a stranger's component may raise anything
        raise AssertionError(f"{what} it raises {type(error).__name__}: {error}") from error
