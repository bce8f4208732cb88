"""The points of a sweep: an experiment with one value on each axis."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, final

from mtlkit.errors import ConfigError
from mtlkit.sweeps.axes import Grid, text_of

LONGEST = 120
"""Most characters of a name. File systems allow 255, and a run's lock and temporary files have longer names."""


@final
@dataclass(frozen=True)
class Point:
    """One value for each axis, by the axis' name."""

    values: Mapping[str, Any]

    @cached_property
    def label(self) -> str:
        """The point as people read it: `hidden=100, l2=0`."""
        return ", ".join(f"{name}={text_of(value)}" for name, value in self.values.items()) or "as it is"

    @cached_property
    def name(self) -> str:
        """The point as part of a file name: `hidden=100,l2=0`. Different points always have different names."""
        full = ",".join(f"{name}={text_of(value)}" for name, value in self.values.items()) or "base"
        safe = ",".join(f"{_safe(name)}={_safe(text_of(value))}" for name, value in self.values.items()) or full
        if safe == full and len(full) <= LONGEST:
            return full
        return f"{safe[:LONGEST]}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def points_of(grids: Sequence[Grid]) -> list[Point]:
    """Every point of a grid; the last axis changes fastest."""
    names = [grid.axis.name for grid in grids]
    return [Point(dict(zip(names, values, strict=True))) for values in product(*(grid.values for grid in grids))]


def refuse_alike(points: Sequence[Point]) -> None:
    """Checks that the folders of all points are different ones where a file system ignores case, as on macOS and
    Windows.

    Raises:
        ConfigError: the names of two points differ only in upper and lower case.
    """
    seen: dict[str, Point] = {}
    for point in points:
        other = seen.setdefault(point.name.casefold(), point)
        if other is not point:
            raise ConfigError(
                f"--grid: the points '{other.label}' and '{point.label}' differ only in upper and lower case, and "
                "folders are named after them; give one of them to another sweep, with another -s DIR"
            )


def _safe(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", text, flags=re.ASCII).strip("_")
