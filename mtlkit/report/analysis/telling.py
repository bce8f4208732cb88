"""Which few texts of a task are shown.

Shapes: B batch, T words, N sources.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlkit.data import Corpus, Target
from mtlkit.report.evidence import ReadText
from mtlkit.runs.explain import reading_of
from mtlkit.sharing import WordTrace
from mtlkit.sharing.explanations import Reading

SHOWN = 6
FEWEST, MOST = 6, 40
"""The lengths between which a text is readily read, in words."""
CANDIDATES = 50
"""The number of texts that are kept until it is known which of them were answered correctly."""


@final
@dataclass(frozen=True)
class _Candidate:
    score: float
    index: int
    reading: Reading


@final
class TellingTexts:
    """Keeps the texts that show most of what words read. They are chosen for that: no sample, and not typical.

    Texts of `FEWEST` to `MOST` words come into question, or else those that come nearest to it. What a text tells is
    the mutual information of word and source, in nats: large where single words read few sources, and different words
    different ones; zero where all words read alike. Where weights need not sum to 1, as those of gates, the deviation
    of their sum over words is added. Of equal texts one is shown. Of the `CANDIDATES` that tell most, right and wrong
    answers are taken in turn.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._readable = _readable(corpus.lengths)
        self._found: list[_Candidate] = []

    def add(self, trace: WordTrace, weights_BTN: Tensor, mask_BT: Tensor, indices_B: Tensor) -> None:
        """Adds a batch, on the CPU; the weights are the trace's, or the mean of its two networks, and 0 at padding."""
        rows_B = torch.from_numpy(self._readable)[indices_B].nonzero()[:, 0]
        if not len(rows_B):
            return
        scores_B = told(weights_BTN[rows_B], mask_BT[rows_B])
        least = self._found[-1].score if len(self._found) >= CANDIDATES else -1.0
        for row, score in zip(rows_B.tolist(), scores_B.tolist(), strict=True):
            index = int(indices_B[row])
            words = self._corpus.instance(index).words
            if score > least and all(each.reading.words != words for each in self._found):
                self._found.append(_Candidate(score, index, reading_of(trace, row, words)))
        self._found.sort(key=lambda each: (-each.score, each.index))
        del self._found[CANDIDATES:]

    def chosen(self, predicted: Sequence[Target]) -> list[ReadText]:
        """The most telling texts, at most `SHOWN` of them, the most telling first."""
        texts = []
        for each in self._found:
            number, gold = int(self._corpus.places[each.index]) + 1, self._corpus.target(each.index)
            texts.append(ReadText(number, gold, predicted[each.index], each.reading, _gates(each.reading)))
        return mixed(texts, SHOWN)


def mixed(texts: Sequence[ReadText], count: int) -> list[ReadText]:
    """The first right and the first wrong texts in their order, `count` in all; half of them wrong if so many are."""
    num_wrong = sum(text.is_wrong for text in texts)
    room = {True: min(num_wrong, max(count // 2, count - len(texts) + num_wrong))}
    room[False] = count - room[True]
    chosen = []
    for text in texts:
        if room[text.is_wrong]:
            room[text.is_wrong] -= 1
            chosen.append(text)
    return chosen


def told(weights_BTN: Tensor, mask_BT: Tensor) -> Tensor:
    """How much each text (B) tells, from weights that are 0 at padding."""
    totals_BT = weights_BTN.double().sum(dim=2)
    shares_BTN = weights_BTN.double() / totals_BT.clamp(min=1e-12).unsqueeze(2)
    lengths_B = mask_BT.sum(dim=1)
    entropy_B = torch.special.entr(shares_BTN).sum(dim=(1, 2)) / lengths_B
    together_BN = shares_BTN.sum(dim=1) / lengths_B.unsqueeze(1)
    mean_B = totals_BT.sum(dim=1) / lengths_B
    deviations_BT = (totals_BT - mean_B.unsqueeze(1)).square() * mask_BT
    deviation_B = (deviations_BT.sum(dim=1) / lengths_B).sqrt()
    information_B: Tensor = torch.special.entr(together_BN).sum(dim=1) - entropy_B
    return information_B.clamp(min=0) + deviation_B


def _readable(lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Marks the texts that are of a length to be shown: at least `SHOWN` of them, if there are as many."""
    away = np.maximum(np.maximum(FEWEST - lengths, lengths - MOST), 0)
    readable: NDArray[np.bool_] = away == 0
    if readable.sum() < SHOWN:
        readable[np.argsort(away, kind="stable")[:SHOWN]] = True
    return readable


def _gates(reading: Reading) -> tuple[float, ...] | None:
    """How far each word opened to what it read: the mean over networks, or None without a gate."""
    ways = [gates for gates in (reading.gates, reading.backward_gates) if gates is not None]
    return tuple(map(fmean, zip(*ways, strict=True))) if ways else None
