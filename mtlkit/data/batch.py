"""The input of a model: texts of one task, as tensors.

Shapes: B batch, T words of the longest text, W = B T words, C integers per word, E size of a vector.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn

from mtlkit.data.word_columns import WordColumns
from mtlkit.errors import ComponentError
from mtlkit.process.ranks import Ranks, Share


@final
@dataclass(frozen=True)
class Text:
    """Texts padded on the right.

    `mask_BT` is bool, True at words. `columns` holds what the embedder requested through its method `columns`: int64,
    (B, T) or (B, T, C), 0 at padding. `task` is the task that a model reads them for; None outside a model.
    """

    mask_BT: Tensor
    columns: Mapping[str, Tensor]
    task: str | None = None

    def column(self, name: str) -> Tensor:
        """Returns one of the columns.

        Raises:
            ComponentError: the embedder did not request it.
        """
        if name not in self.columns:
            known = ", ".join(self.columns) or "none"
            raise ComponentError(
                f"an embedder reads the column '{name}', and its method `columns` does not give it (it gives: {known})"
            )
        return self.columns[name]

    @property
    def words_BT(self) -> Tensor:
        """The column `words`: ids in the vocabulary, 1 for unknown words."""
        return self.column("words")

    @property
    def characters_BTC(self) -> Tensor:
        """The column `characters`: the vocabulary ids of each word's first characters."""
        return self.column("characters")

    def part(self, name: str) -> "Text":
        """Returns the texts as one part of a nested embedder sees them: each column `name.COLUMN` under the name
        `COLUMN`.
        """
        start = f"{name}."
        if isinstance(self.columns, WordColumns):
            return replace(self, columns=self.columns.part(start))
        own = {key.removeprefix(start): column for key, column in self.columns.items() if key.startswith(start)}
        return replace(self, columns=own)

    def once_per_form(self, name: str, owner: nn.Module, vectors_of: Callable[[Tensor], Tensor]) -> Tensor:
        """Computes vectors (B, T, E) of words from one column; on a CPU, once for each distinct form of the batch.

        In a pass without gradients over a whole split, such as an evaluation, each form of the split is computed once.
        Texts that were put together or changed by hand, and those on other devices, are computed word by word.

        Args:
            name: of a column (B, T, C), all that the vector of a word depends on besides `owner`.
            owner: the module that computes the vectors. Its parameters, buffers and mode must determine them.
            vectors_of: a function from rows of the column, (W, C), to their vectors, (W, E). That of a row may not
                depend on other rows, nor on chance: with dropout before it, each occurrence of a word has a draw of
                its own. Rows of padding are zero, and their vectors must be.

        Raises:
            ComponentError: the embedder did not request the column.
        """
        if isinstance(self.columns, WordColumns) and name in self.columns:
            found = self.columns.once_per_form(name, owner, vectors_of)
            if found is not None:
                return found
        vectors_WE = vectors_of(self.column(name).flatten(0, 1))
        return by_text(vectors_WE, *self.mask_BT.shape)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Text":
        """Applies a function to every tensor. It must treat the leading dimensions of all alike, as a selection of rows
        does.
        """
        columns = {name: change(column) for name, column in self.columns.items()}
        return Text(change(self.mask_BT), columns, self.task)

    def rows(self, rows: slice) -> "Text":
        """Selects texts. Unlike those of `map`, they still know which of their words are the same."""
        if isinstance(self.columns, WordColumns):
            return Text(self.mask_BT[rows].contiguous(), self.columns.rows(rows), self.task)
        return self.map(lambda tensor: tensor[rows].contiguous())


def by_text(rows_RE: Tensor, num_texts: int, num_words: int) -> Tensor:
    """Splits the first dimension, of all words one after the other, into texts and words: returns (B, T, E)."""
    if torch.compiler.is_exporting():
        # A view would be traced under the assumption that B * T differs from B, which texts of one word break.
        firsts_B1 = torch.arange(num_texts, device=rows_RE.device).unsqueeze(1) * num_words
        return rows_RE[firsts_B1 + torch.arange(num_words, device=rows_RE.device)]
    return rows_RE.view(num_texts, num_words, rows_RE.shape[1])


@final
@dataclass(frozen=True)
class Batch:
    """Texts of one task and their targets.

    `targets` is int64, (B,) for labels and (B, T) for tags: ids in the task's labels, -1 at padding and for targets
    that are missing or do not occur in the training data. It is None if the split has no targets.
    `indices_B` is int64 and always on the CPU: the positions of the texts in their split. `share` says which texts of a
    larger batch these are, where several processes share one; None for a batch that one process has whole.
    """

    task: str
    text: Text
    targets: Tensor | None
    indices_B: Tensor
    share: Share | None = None

    @property
    def size(self) -> int:
        """The number B of texts."""
        return len(self.indices_B)

    def parts(self, number: int) -> "list[Batch]":
        """Splits the batch into `number` parts of nearly equal size, in order. Padding is kept."""
        rows = torch.tensor_split(torch.arange(self.size), min(number, self.size))
        return [self._rows(slice(int(some[0]), int(some[-1]) + 1)) for some in rows]

    def shared_by(self, ranks: Ranks) -> "Batch":
        """Returns the texts of the batch that this process computes: every N-th, from that of its number on. Padding is
        kept. Texts of a batch are sorted by length, so all processes have about as many words.
        """
        if ranks.size == 1:
            return self
        rows_R = torch.arange(self.size)[ranks.rank :: ranks.size]
        rows = slice(ranks.rank, None, ranks.size) if len(rows_R) else slice(0, 1)
        targets = None if self.targets is None else self.targets[rows].contiguous()
        share = Share(ranks, self.size, rows_R)
        return Batch(self.task, self.text.rows(rows), targets, self.indices_B[rows], share)

    def _rows(self, rows: slice) -> "Batch":
        targets = None if self.targets is None else self.targets[rows]
        return Batch(self.task, self.text.map(lambda tensor: tensor[rows]), targets, self.indices_B[rows], self.share)

    def to(self, device: torch.device | str) -> "Batch":
        """Returns the batch with its tensors on another device, except `indices_B`."""
        text = self.text.map(lambda tensor: tensor.to(device))
        return replace(self, text=text, targets=None if self.targets is None else self.targets.to(device))
