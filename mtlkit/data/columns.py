"""Columns: integers for each surface form of a split, made once, of which a batch carries the rows of its words.

Shapes: F distinct surface forms, C integers of a form, B batch, T words of the longest text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Table: TypeAlias = NDArray[np.integer[Any]]
"""(F,) or (F, C), not negative; 0 stands for padding."""

MakeTables: TypeAlias = Callable[[Sequence[str]], Mapping[str, Table]]
"""From F distinct surface forms to their tables by name, a row for each form in the order of the forms."""

NARROW = (np.int8, np.int16, np.int32, np.uint8)
"""Types that PyTorch can index as they are; tables of other types are kept as int64."""


def fault_of(table: object, num_forms: int) -> str | None:
    """What keeps something from being the table of `num_forms` forms, as the end of a sentence, or None."""
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
    """The tables of several parts under one roof: those of part `p` as `p.NAME`. `Text.part` is the way back."""
    return {f"{part}.{name}": table for part, tables in parts.items() for name, table in tables.items()}


@final
class FormTables:
    """The tables of a split's forms on a device; the rows of a batch are gathered there.

    Equal tables under several names are kept, and gathered, once: two embedders that read word ids share them.

    Args:
        tables: by name, sound (`fault_of`).
        num_forms: F.
        device: where batches are made.
    """

    def __init__(self, tables: Mapping[str, Table], num_forms: int, device: torch.device | str = "cpu") -> None:
        self.padding_form = num_forms
        """The row of padding, one below those of the forms: zeros."""
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

    def rows(self, forms_BT: Tensor) -> dict[str, Tensor]:
        """Each column of the words with these forms, int64: (B, T), or (B, T, C) of a table (F, C)."""
        gathered = [table[forms_BT].long() for table in self._kept]
        return {name: gathered[place] for name, place in self._places.items()}


def _with_padding(table: Table) -> Tensor:
    """(F + 1,) or (F + 1, C); the last row is that of padding."""
    padded = np.pad(table, [(0, 1), *[(0, 0)] * (table.ndim - 1)])
    return torch.from_numpy(padded if padded.dtype in NARROW else padded.astype(np.int64, copy=False))
