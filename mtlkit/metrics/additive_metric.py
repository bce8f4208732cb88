"""The interface of metrics that are a function of sums over texts.

Shapes: C counts, x any shape: of the resamples that are scored at once, or none.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, final

import numpy
from numpy.typing import NDArray

from mtlkit.data.instance import Target
from mtlkit.metrics.metric import Metric

Counts = NDArray[numpy.float64]


class AdditiveMetric(Metric):
    """A metric that counts something in each text and scores the sums.

    `counts` and `scores` are all of its mathematics: `update` and `compute` come of them, and so do the scores of
    thousands of resamples at once, which `mtlkit compare` draws. Other metrics are computed anew on each.
    """

    counted: ClassVar[tuple[str, ...]]
    """What is counted, C names, in the order in which `counts` gives and `scores` takes them."""

    def __init__(self) -> None:
        self._sums = numpy.zeros(len(self.counted))

    @abstractmethod
    def counts(self, predicted: Target, gold: Target) -> Sequence[float]:
        """The C counts of one text.

        Raises:
            ValueError: `predicted` has not as many tags as `gold`.
        """

    @abstractmethod
    def scores(self, sums: Counts) -> dict[str, Counts]:
        """The scores of sums (C, x), each of the shape (x); 0 where there is nothing to count."""

    @final
    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        for answer, truth in zip(predicted, gold, strict=True):
            self._sums += self.counts(answer, truth)

    @final
    def compute(self) -> dict[str, float]:
        return {name: float(score) for name, score in self.scores(self._sums).items()}
