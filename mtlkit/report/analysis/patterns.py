"""Which words read which, over all texts of a task.

Shapes: B batch, T words, N = T positions, R rows: pairs of words, or the positions that a
word reads most; W distinct words.
"""

from collections.abc import Callable
from typing import NamedTuple, Self, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlkit.report.evidence import Example, Pattern, Reach

READ = 3
"""The number of positions that count as read by a word: those that it takes most of."""
SHORT, LONG = 3, 6
"""The largest distance of a short pattern and the smallest of a long one, in words."""
KEPT = 100
"""The number of patterns that are kept of each reach."""
DOUBT = 5
"""Occurrences at the level of chance that are thought to every pair, so that few strong ones do not come first."""
NOISE = 1e-3
"""A score that rounding errors alone can reach."""
NumberedText: TypeAlias = tuple[int, tuple[str, ...]]
"""A text's number in the file, from 1, and its words."""
ROWS_HELD = 1 << 20
"""The number of rows after which equal pairs are added up, which bounds the memory."""


class _Rows(NamedTuple):
    """Pairs, with sums over their occurrences and the place where each is strongest."""

    keys_R: NDArray[np.int64]
    sums_RC: NDArray[np.float64]
    """Columns: texts, occurrences, weight, logarithm of the lift, distance."""
    best_R: NDArray[np.float64]
    places_RC: NDArray[np.int64]
    """Columns, of the strongest occurrence: text, word, source."""

    @classmethod
    def joined(cls, rows: "list[Self]") -> Self:
        return cls(*(np.concatenate(column) for column in zip(*rows, strict=True)))

    def added_up(self) -> "_Rows":
        """Adds up rows with equal keys; one row for each key, sorted by key."""
        order = np.lexsort((-self.best_R, self.keys_R))
        keys_R = self.keys_R[order]
        starts = np.flatnonzero(np.diff(keys_R, prepend=-1))
        sums_RC = np.add.reduceat(self.sums_RC[order], starts) if len(starts) else self.sums_RC
        return _Rows(keys_R[starts], sums_RC, self.best_R[order][starts], self.places_RC[order][starts])


@final
class PairSums:
    """Finds the pairs of words of which one reads the other strongly.

    An occurrence of a pair is a word and one of the `READ` positions that it takes most of, itself left out, where
    the other is at most `SHORT` or at least `LONG` words away. Its lift is its weight times the length of the
    text: 1 is what all positions would have if they were read alike. Pairs are counted by their words and reach; those
    with a sign in place of a word are left out. Memory grows with the number of distinct pairs.

    Args:
        names: the words by number.
    """

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._spelled = torch.tensor([any(map(str.isalnum, name)) for name in names])
        self._rows: list[_Rows] = []
        self._num_rows = 0
        self._taken_W = torch.zeros(len(names), dtype=torch.float64)
        self._occurrences_W = torch.zeros(len(names), dtype=torch.float64)

    def add(self, weights_BTN: Tensor, mask_BT: Tensor, words_BT: Tensor, indices_B: Tensor) -> None:
        """Adds a batch, on the CPU: the weights of positions, which are 0 at padding, and the numbers of the words."""
        self._count_sources(weights_BTN, mask_BT, words_BT)
        values_BTR, places_BTR = _most(weights_BTN.masked_fill(torch.eye(mask_BT.shape[1], dtype=torch.bool), -1.0))
        num_words = mask_BT.shape[1]
        distances_BTR = places_BTR - torch.arange(num_words).view(1, -1, 1)
        sources_BTR = words_BT.unsqueeze(1).expand(-1, num_words, -1).gather(2, places_BTR)
        far_BTR = distances_BTR.abs()
        spelled_BTR = self._spelled[words_BT].unsqueeze(2) & self._spelled[sources_BTR]
        taken_BTR = mask_BT.unsqueeze(2) & (values_BTR > 0) & ((far_BTR <= SHORT) | (far_BTR >= LONG)) & spelled_BTR
        rows_R, times_R, _ = taken_BTR.nonzero(as_tuple=True)
        weights_R, distances_R = values_BTR[taken_BTR].double(), distances_BTR[taken_BTR]
        keys_R = words_BT[rows_R, times_R] * len(self._names) + sources_BTR[taken_BTR]
        keys_R = 2 * keys_R + (far_BTR[taken_BTR] >= LONG)
        lifts_R = (weights_R * mask_BT.sum(dim=1)[rows_R]).log()
        columns = [_firsts(keys_R, rows_R), torch.ones_like(weights_R), weights_R, lifts_R, distances_R.double()]
        self._rows.append(
            _Rows(
                keys_R.numpy(),
                torch.stack(columns, dim=1).numpy(),
                weights_R.numpy(),
                torch.stack([indices_B[rows_R], times_R, times_R + distances_R], dim=1).numpy(),
            ).added_up()
        )
        self._num_rows += len(self._rows[-1].keys_R)
        if self._num_rows > ROWS_HELD:
            self._added_up()
            self._num_rows = 0

    def patterns(self, num_texts: int, text: Callable[[int], NumberedText]) -> list[Pattern]:
        """The `KEPT` short and long ones with the largest lift, the strongest first.

        A pair counts from three texts on, or one of a hundred where that is more, and only if its lift is larger than
        that of its source for all words, or else it would say nothing of the word. Pairs are ordered by the mean
        logarithm of their lift, as if `DOUBT` more occurrences had shown none.

        Args:
            num_texts: of the split.
            text: a text by its place in the split.
        """
        if not self._rows:
            return []
        rows = self._added_up()
        texts_R, occurrences_R, _, lifts_R, _ = rows.sums_RC.T
        scores_R = lifts_R / (occurrences_R + DOUBT)
        usual_W = (self._taken_W / self._occurrences_W.clamp(min=1)).numpy()
        special_R = lifts_R / occurrences_R - NOISE > usual_W[rows.keys_R // 2 % len(self._names)]
        enough_R = (texts_R >= max(3, num_texts / 100)) & (scores_R > NOISE) & special_R
        order = np.argsort(-scores_R, kind="stable")
        order = order[enough_R[order]]
        long_R = rows.keys_R[order] % 2 == 1
        chosen = np.sort(np.concatenate([np.flatnonzero(long_R == each)[:KEPT] for each in (False, True)]))
        return [self._pattern(rows, int(row), text) for row in order[chosen]]

    def _pattern(self, rows: _Rows, row: int, text: Callable[[int], NumberedText]) -> Pattern:
        pair, is_long = divmod(int(rows.keys_R[row]), 2)
        word, source = divmod(pair, len(self._names))
        reach: Reach = "long" if is_long else "short"
        texts, occurrences, weight, lift, distance = rows.sums_RC[row].tolist()
        index, place, other = rows.places_RC[row].tolist()
        return Pattern(
            self._names[word],
            self._names[source],
            reach,
            distance / occurrences,
            weight / occurrences,
            float(np.exp(lift / occurrences)),
            float((self._taken_W[source] / self._occurrences_W[source]).exp()),
            int(texts),
            Example(*text(index), place, other),
        )

    def _count_sources(self, weights_BTN: Tensor, mask_BT: Tensor, words_BT: Tensor) -> None:
        """The lift of a position for all words together is the sum of what they take of it."""
        words = words_BT[mask_BT]
        taken = weights_BTN.sum(dim=1)[mask_BT].double().clamp(min=1e-12).log()
        self._taken_W.index_add_(0, words, taken)
        self._occurrences_W.index_add_(0, words, torch.ones_like(taken))

    def _added_up(self) -> _Rows:
        self._rows = [_Rows.joined(self._rows).added_up()]
        return self._rows[0]


def _most(weights_BTN: Tensor) -> tuple[Tensor, Tensor]:
    """The largest weights (B, T, R) and their positions, the first among equals. For so few, `topk` is slower."""
    found = []
    for _ in range(min(READ, weights_BTN.shape[2])):
        found.append(weights_BTN.max(dim=2))
        weights_BTN = weights_BTN.scatter(2, found[-1].indices.unsqueeze(2), -1.0)
    values, places = zip(*found, strict=True)
    return torch.stack(values, dim=2), torch.stack(places, dim=2)


def _firsts(keys_R: Tensor, rows_R: Tensor) -> Tensor:
    """Marks (R) the first occurrence of each key in a text by 1, others by 0."""
    both = np.stack([keys_R.numpy(), rows_R.numpy()])
    order = np.lexsort(both)
    firsts_R = np.zeros(len(order))
    firsts_R[order] = (np.diff(both[:, order], axis=1, prepend=-1) != 0).any(axis=0)
    return torch.from_numpy(firsts_R)
