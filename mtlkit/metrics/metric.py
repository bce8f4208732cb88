"""The interface of metrics."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from mtlkit.config import Component
from mtlkit.data.instance import Target, TargetKind
from mtlkit.errors import ComponentError
from mtlkit.figures import score_problem


class Metric(Component):
    """Scores a task's predictions against its gold targets; one instance counts for one evaluation.

    Metrics see labels as words, never ids or tensors, and know nothing of the head that predicted them. One that scores
    sums over texts, as most do, derives from `AdditiveMetric`: then `mtlkit compare` is fast with it.
    """

    target_kind: ClassVar[TargetKind]
    """What it can score: one label per text, or one tag per word."""

    headline: ClassVar[str]
    """The key of `compute` that chooses between models; higher is better."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuses a headline that could not be told from another figure, such as `clean_f1`, with a ComponentError."""
        super().__init_subclass__(**kwargs)
        headline = vars(cls).get("headline")
        if isinstance(headline, str) and (problem := score_problem(headline)) is not None:
            raise ComponentError(f"{cls.__module__}.{cls.__qualname__}: headline: {problem}")

    @abstractmethod
    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        """Counts a batch; `predicted[i]` answers `gold[i]`, and tags pair up word by word.

        Raises:
            ValueError: the two are not equally long.
        """

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """The scores of everything counted so far, by name, as fractions from 0 to 1; 0 where nothing was counted.

        The names are always the same. None begins with `clean_`, which marks scores on clean texts, and none is
        `majority` or `share`, which are figures of mtlkit's own.
        """
