"""What a model gets: some texts of one task.

Shapes: B batch, T words of the longest text, C characters of the longest word.
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor


@final
@dataclass(frozen=True)
class Text:
    """Texts padded at the right with 0.

    `words_BT` int64 ids; `mask_BT` bool, True at words; `characters_BTC` int64 ids, None where no embedder reads them.
    """

    words_BT: Tensor
    mask_BT: Tensor
    characters_BTC: Tensor | None = None


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
        text, count = self.text, min(number, self.size)
        rows = torch.tensor_split(torch.arange(self.size), count)
        bounds = [(int(some[0]), int(some[-1]) + 1) for some in rows]
        return [
            Batch(
                self.task,
                Text(
                    text.words_BT[start:end],
                    text.mask_BT[start:end],
                    None if text.characters_BTC is None else text.characters_BTC[start:end],
                ),
                None if self.targets is None else self.targets[start:end],
                self.indices_B[start:end],
            )
            for start, end in bounds
        ]

    def to(self, device: torch.device | str) -> "Batch":
        """The batch on another device."""
        text = self.text
        moved = Text(
            text.words_BT.to(device),
            text.mask_BT.to(device),
            None if text.characters_BTC is None else text.characters_BTC.to(device),
        )
        return replace(self, text=moved, targets=None if self.targets is None else self.targets.to(device))
