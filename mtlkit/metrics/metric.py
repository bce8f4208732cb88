"""The interface of metrics."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from mtlkit.config import Component
from mtlkit.data.instance import Target, TargetKind


class Metric(Component):
    """Scores a task's predictions against its gold targets; one instance counts for one evaluation.

    Metrics see labels as words, never ids or tensors, and know nothing of the head that predicted them. One that scores
    sums over texts, as most do, derives from `AdditiveMetric`: then `mtlkit compare` is fast with it.
    """

    target_kind: ClassVar[TargetKind]
    """What it can score: one label per text, or one tag per word."""

    headline: ClassVar[str]
    """The key of `compute` that chooses between models; higher is better."""

    @abstractmethod
    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        """Counts a batch; `predicted[i]` answers `gold[i]`, and tags pair up word by word.

        Raises:
            ValueError: the two are not equally long.
        """

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """The scores of everything counted so far, as fractions from 0 to 1; 0 where there was nothing to count."""
