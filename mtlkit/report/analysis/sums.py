"""What words read, added up over all texts of a task: of which task most, and how far away.

Shapes: B batch, T words, N senders or, of positions, N = T; W distinct words.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor

from mtlkit.report.evidence import Affinity, Offsets

KEPT = 5
"""The number of words that are kept for each sender."""
DOUBT = 5
"""Occurrences at the usual level that are thought to every word, so that few strong ones do not come first."""


@final
class SenderSums:
    """Adds up what each distinct word takes of each sender.

    Args:
        names: the words by number.
        senders: the tasks that are read.
    """

    def __init__(self, names: list[str], senders: Sequence[str]) -> None:
        self._names = names
        self._senders = senders
        self._sums_WN = torch.zeros(len(names), len(senders), dtype=torch.float64)
        self._occurrences_W = torch.zeros(len(names), dtype=torch.float64)
        self._texts_W = np.zeros(len(names), dtype=np.int64)

    def add(self, weights_BTN: Tensor, mask_BT: Tensor, words_BT: Tensor) -> None:
        """Adds a batch, on the CPU."""
        words = words_BT[mask_BT]
        self._sums_WN.index_add_(0, words, weights_BTN[mask_BT].double())
        self._occurrences_W += torch.bincount(words, minlength=len(self._names))
        rows = mask_BT.nonzero()[:, 0]
        distinct = np.unique((rows * len(self._names) + words).numpy())
        self._texts_W += np.bincount(distinct % len(self._names), minlength=len(self._names))

    def affinities(self, num_texts: int) -> list[Affinity]:
        """The `KEPT` words that read each sender most above the mean of all words, the strongest first.

        A word counts from three texts on, or one of a hundred where that is more, and a sign in place of a word never.
        Words are ordered by how far their mean is above that of all, as if `DOUBT` more occurrences were just that.
        """
        usual_N = self._sums_WN.sum(dim=0) / self._occurrences_W.sum().clamp(min=1)
        above_WN = self._sums_WN - self._occurrences_W.unsqueeze(1) * usual_N
        scores_WN = (above_WN / (self._occurrences_W + DOUBT).unsqueeze(1)).numpy()
        spelled = np.array([any(map(str.isalnum, name)) for name in self._names])
        counts = np.flatnonzero(spelled & (self._texts_W >= max(3, num_texts / 100)))
        found = []
        for place in range(len(self._senders)):
            best = counts[np.argsort(-scores_WN[counts, place], kind="stable")][:KEPT]
            found += [
                self._affinity(int(word), place, float(usual_N[place])) for word in best if scores_WN[word, place] > 0
            ]
        return found

    def _affinity(self, word: int, place: int, usual: float) -> Affinity:
        weight = float(self._sums_WN[word, place] / self._occurrences_W[word])
        return Affinity(self._names[word], self._senders[place], weight, usual, int(self._texts_W[word]))


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
        """Adds a batch of weights, on the CPU, which are 0 at padding."""
        lengths_B = mask_BT.sum(dim=1)
        self._num_words += int(lengths_B.sum())
        for place, offset in enumerate(range(-REACH, REACH + 1)):
            self._weights[place] += weights_BTN.diagonal(offset, 1, 2).sum()
            self._uniform[place] += ((lengths_B - abs(offset)).clamp(min=0) / lengths_B).sum()
        sums_TN = weights_BTN.sum(dim=0)
        self._before += float(sums_TN.tril(-1).sum())
        self._after += float(sums_TN.triu(1).sum())

    def offsets(self) -> Offsets:
        """The means over all words that were added."""
        words = max(self._num_words, 1)
        return Offsets(
            tuple((self._weights / words).tolist()),
            tuple((self._uniform / words).tolist()),
            self._before / words,
            self._after / words,
        )
