"""What a model gets: some texts of one task.

Shapes: B batch, T words of the longest text, C integers of a word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from mtlkit.errors import ComponentError


@final
@dataclass(frozen=True)
class Text:
    """Texts padded at the right.

    `mask_BT` bool, True at words; `columns` what the embedder asked for by its method of that name, int64, (B, T) or
    (B, T, C), 0 at padding.
    """

    mask_BT: Tensor
    columns: Mapping[str, Tensor]

    def column(self, name: str) -> Tensor:
        """One of the columns.

        Raises:
            ComponentError: the embedder did not ask for it.
        """
        if name not in self.columns:
            known = ", ".join(self.columns) or "none"
            raise ComponentError(
                f"an embedder reads the column '{name}', and its method `columns` does not give it (it gives: {known})"
            )
        return self.columns[name]

    @property
    def words_BT(self) -> Tensor:
        """The column `words`: ids in the vocabulary, 1 for words that it lacks."""
        return self.column("words")

    @property
    def characters_BTC(self) -> Tensor:
        """The column `characters`: ids in the vocabulary of a word's first characters."""
        return self.column("characters")

    def part(self, name: str) -> "Text":
        """The texts as a part of an embedder sees them: with the columns `name.COLUMN`, under the name `COLUMN`."""
        start = f"{name}."
        own = {key.removeprefix(start): column for key, column in self.columns.items() if key.startswith(start)}
        return Text(self.mask_BT, own)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Text":
        """The texts after a change of each tensor that keeps its leading dimensions alike, such as a choice of rows."""
        return Text(change(self.mask_BT), {name: change(column) for name, column in self.columns.items()})


@final
@dataclass(frozen=True)
class Batch:
    """Texts of one task and their targets.

    `targets` int64, (B,) for labels and (B, T) for tags: ids in the task's labels, -1 for padding and for a target that
    is missing or that training never showed; None where the split has no targets at all.
    `indices_B` int64, always on the CPU: the texts' places in their split.
    """

    task: str
    text: Text
    targets: Tensor | None
    indices_B: Tensor

    @property
    def size(self) -> int:
        """B."""
        return len(self.indices_B)

    def parts(self, number: int) -> "list[Batch]":
        """The texts in so many parts, as equal as can be, in their order; padding stays."""
        rows = torch.tensor_split(torch.arange(self.size), min(number, self.size))
        return [self._rows(slice(int(some[0]), int(some[-1]) + 1)) for some in rows]

    def _rows(self, rows: slice) -> "Batch":
        targets = None if self.targets is None else self.targets[rows]
        return Batch(self.task, self.text.map(lambda tensor: tensor[rows]), targets, self.indices_B[rows])

    def to(self, device: torch.device | str) -> "Batch":
        """The batch on another device."""
        text = self.text.map(lambda tensor: tensor.to(device))
        return replace(self, text=text, targets=None if self.targets is None else self.targets.to(device))
