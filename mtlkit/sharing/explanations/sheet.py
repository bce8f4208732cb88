"""The one table that terminals and notebooks draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

TOP = 3


@final
@dataclass(frozen=True)
class Entry:
    """A source with how much was taken of it, from 0 to 1 except for mixtures, or None.

    `place` is its number among all sources, if they are few enough to have a colour each.
    """

    name: str
    weight: float | None = None
    place: int | None = None


@final
@dataclass(frozen=True)
class SheetRow:
    """A word, step or layer, and for each further column what it took, the most first."""

    name: str
    cells: tuple[tuple[Entry, ...], ...]


@final
@dataclass(frozen=True)
class Sheet:
    """A header of one more name than rows have cells, and the rows."""

    header: tuple[str, ...]
    rows: tuple[SheetRow, ...]

    @property
    def largest(self) -> float:
        """The largest weight, whatever its sign; 0 where there is none."""
        entries = (entry for row in self.rows for cell in row.cells for entry in cell)
        return max((abs(entry.weight or 0) for entry in entries), default=0)


def most(names: Sequence[str], weights: Sequence[float], count: int, coloured: bool = True) -> tuple[Entry, ...]:
    """The `count` sources with the largest weights; among equals the first."""
    places = sorted(range(len(weights)), key=lambda place: -abs(weights[place]))[:count]
    return tuple(Entry(names[place], weights[place], place if coloured else None) for place in places)
