"""Columns: integers for each surface form of a split, computed once. A batch carries the rows of its words.

Shapes: F distinct surface forms, C integers per form.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Table: TypeAlias = NDArray[np.integer[Any]]
"""An integer array (F,) or (F, C) without negative values; 0 is padding."""

MakeTables: TypeAlias = Callable[[Sequence[str]], Mapping[str, Table]]
"""A function from F distinct surface forms to tables by name, each with one row per form, in the order of the forms."""

CostsOfForms: TypeAlias = Callable[[Mapping[str, Table]], Table | None]
"""A function from the tables of F forms to what it costs to read each, integers (F,); None if all cost the same."""

NARROW = (np.int8, np.int16, np.int32, np.uint8)
"""The integer types that PyTorch can index with directly. Tables of other types are stored as int64."""


def fault_of(table: object, num_forms: int) -> str | None:
    """Returns why a value is not a valid table of `num_forms` forms, as the end of a sentence, or None."""
    if not isinstance(table, np.ndarray):
        return f"is of type {type(table).__name__}, not a NumPy array"
    if table.dtype.kind not in "iu":
        return f"is of {table.dtype}, not of integers"
    if table.ndim not in (1, 2) or 0 in table.shape[1:]:
        return f"has the shape {table.shape}, not (F,) or (F, C) with C > 0"
    if len(table) != num_forms:
        return f"has {len(table)} rows for {num_forms} forms; give one for each, in the order of the forms"
    if num_forms and table.min() < 0:
        return f"holds {table.min()}; ids begin at 0, which stands for padding"
    return None


def nested(parts: Mapping[str, Mapping[str, Table]]) -> dict[str, Table]:
    """Merges the tables of several parts: those of part `p` become `p.NAME`. The inverse is `Text.part`."""
    return {f"{part}.{name}": table for part, tables in parts.items() for name, table in tables.items()}


def part_of(tables: Mapping[str, Table], part: str) -> dict[str, Table]:
    """Returns the tables of one part out of those of `nested`."""
    start = f"{part}."
    return {name.removeprefix(start): table for name, table in tables.items() if name.startswith(start)}


@final
class FormTables:
    """The tables of a split's forms on a device, from which the rows of a batch are gathered.

    Equal tables under several names are stored and gathered once, for example if two embedders read word ids.

    Args:
        tables: valid tables by name (see `fault_of`).
        num_forms: F.
        device: the device on which batches are created.
    """

    def __init__(self, tables: Mapping[str, Table], num_forms: int, device: torch.device | str = "cpu") -> None:
        self.padding_form = num_forms
        """The index of the padding row, which follows those of the forms and consists of zeros."""
        self._kept: list[Tensor] = []
        self._places: dict[str, int] = {}
        distinct: list[Table] = []
        for name, table in tables.items():
            place = next((place for place, other in enumerate(distinct) if np.array_equal(table, other)), None)
            if place is None:
                place = len(distinct)
                distinct.append(table)
                self._kept.append(_with_padding(table).to(device))
            self._places[name] = place

    @property
    def names(self) -> Iterable[str]:
        """The names of the tables."""
        return self._places.keys()

    def place(self, name: str) -> int:
        """Returns the place of the table with this name, which equal tables share. Raises KeyError if there is none."""
        return self._places[name]

    def gather(self, place: int, forms: Tensor) -> Tensor:
        """Gathers the rows of a table for forms of any shape, int64: of this shape, or (..., C) from a table (F, C)."""
        return self._kept[place][forms].long()


def _with_padding(table: Table) -> Tensor:
    """Appends a row of padding: returns (F + 1,) or (F + 1, C)."""
    padded = np.pad(table, [(0, 1), *[(0, 0)] * (table.ndim - 1)])
    return torch.from_numpy(padded if padded.dtype in NARROW else padded.astype(np.int64, copy=False))
