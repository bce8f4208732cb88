"""Sheets: the one form of table in which terminals and notebooks show explanations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

TOP = 3


@final
@dataclass(frozen=True)
class Entry:
    """A source, and how much was taken of it.

    Attributes:
        name: the name of the source.
        weight: from 0 to 1, except for mixtures; None where there is no weight.
        place: the source's number among all sources; None where there are too many for a colour each.
    """

    name: str
    weight: float | None = None
    place: int | None = None


@final
@dataclass(frozen=True)
class SheetRow:
    """A row named by a word, step or layer, with the entries of each further column, the largest first."""

    name: str
    cells: tuple[tuple[Entry, ...], ...]


@final
@dataclass(frozen=True)
class Sheet:
    """A table: rows, under a header with one name more than rows have cells."""

    header: tuple[str, ...]
    rows: tuple[SheetRow, ...]

    @property
    def largest(self) -> float:
        """The largest absolute weight in the sheet; 0 where there are no weights."""
        entries = (entry for row in self.rows for cell in row.cells for entry in cell)
        return max((abs(entry.weight or 0) for entry in entries), default=0)


def most(names: Sequence[str], weights: Sequence[float], count: int, coloured: bool = True) -> tuple[Entry, ...]:
    """The `count` sources of the largest absolute weights. Ties keep the order of the sources."""
    places = sorted(range(len(weights)), key=lambda place: -abs(weights[place]))[:count]
    return tuple(Entry(names[place], weights[place], place if coloured else None) for place in places)
