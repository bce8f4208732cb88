"""How far from a word the positions lie that it reads.

Shapes: B batch, T words, N = T positions.
"""

from typing import final

import torch
from torch import Tensor

from mtlkit.report.evidence import Offsets

REACH = 20


@final
class OffsetSums:
    """Adds up weights by their offset from the word, up to `REACH` words on each side."""

    def __init__(self) -> None:
        self._num_words = 0
        self._weights = torch.zeros(2 * REACH + 1, dtype=torch.float64)
        self._uniform = torch.zeros(2 * REACH + 1, dtype=torch.float64)
        self._before = 0.0
        self._after = 0.0

    def add(self, weights_BTN: Tensor, mask_BT: Tensor) -> None:
        """A batch, on the CPU, 0 at padding."""
        lengths_B = mask_BT.sum(dim=1)
        self._num_words += int(lengths_B.sum())
        for place, offset in enumerate(range(-REACH, REACH + 1)):
            self._weights[place] += weights_BTN.diagonal(offset, 1, 2).sum()
            self._uniform[place] += ((lengths_B - abs(offset)).clamp(min=0) / lengths_B).sum()
        sums_TN = weights_BTN.sum(dim=0)
        self._before += float(sums_TN.tril(-1).sum())
        self._after += float(sums_TN.triu(1).sum())

    def offsets(self) -> Offsets:
        """Means over all words."""
        words = max(self._num_words, 1)
        return Offsets(
            tuple((self._weights / words).tolist()),
            tuple((self._uniform / words).tolist()),
            self._before / words,
            self._after / words,
        )
