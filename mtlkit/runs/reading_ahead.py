"""Inputs that are read before the first of them is answered, so that texts of like lengths are answered together."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from mtlkit.errors import MtlkitError

Item = TypeVar("Item")

MOST_CHARACTERS = 2**22
"""The number of characters after which no more is read ahead; with the words made of them, some 100 MiB."""


def windows(
    inputs: Iterable[Item], least: int, most: int, size: Callable[[Item], int], most_characters: int = MOST_CHARACTERS
) -> Iterator[list[Item]]:
    """Yields consecutive inputs in lists that are as long as memory allows. All that come before an error of the
    inputs are yielded before it is raised.

    Args:
        inputs: the inputs, of which no more are read than the next list takes.
        least: the number of inputs of a list, unless the inputs end, whatever their size.
        most: the largest number of inputs of a list.
        size: returns the number of characters of an input.
        most_characters: the size from which a list takes no more than `least` inputs.

    Raises:
        MtlkitError: the inputs raise it.
    """
    stream = iter(inputs)
    error: MtlkitError | None = None
    while error is None:
        window: list[Item] = []
        characters = 0
        try:
            while len(window) < least or (len(window) < most and characters < most_characters):
                window.append(next(stream))
                characters += size(window[-1])
        except StopIteration:
            if not window:
                return
        except MtlkitError as found:
            error = found
        if window:
            yield window
    raise error
