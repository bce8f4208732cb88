"""What a model answers to the texts of a task's split, and the figures that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy
from numpy.typing import NDArray

from mtlkit.config import Lazy
from mtlkit.data import Target
from mtlkit.metrics import Metric

CLEAN = "clean_"
CLEAN_SHARE = "clean_share"


@final
@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers to n texts, in the order of the split."""

    task: str
    texts: str
    """Stands for the texts, as `Corpus.identity` does."""
    predicted: Sequence[Target]
    gold: Sequence[Target | None]
    """None for a text without a target, which is not scored."""
    metrics: Sequence[Lazy[Metric]]
    """The task's; the first one's headline selects models."""
    clean: NDArray[numpy.bool_] | None = None
    """(n,) which texts occur in no training or dev data; None where nobody asked."""

    def figures(self) -> dict[str, float]:
        """`task/metric` of every metric; nothing where no text has a target.

        Where some texts were seen in training: `task/clean_share`, the share of those that were not, and
        `task/clean_metric` on them.
        """
        figures = self._scores("", range(len(self.predicted)))
        if self.clean is not None and not self.clean.all():
            figures[f"{self.task}/{CLEAN_SHARE}"] = float(self.clean.mean())
            figures.update(self._scores(CLEAN, numpy.flatnonzero(self.clean).tolist()))
        return figures

    def _scores(self, prefix: str, places: Sequence[int]) -> dict[str, float]:
        """`task/prefix_metric` over the texts at these places."""
        pairs = [(self.predicted[place], truth) for place in places if (truth := self.gold[place]) is not None]
        figures: dict[str, float] = {}
        for lazy in self.metrics if pairs else ():
            metric = lazy.build()
            metric.update([answer for answer, _ in pairs], [truth for _, truth in pairs])
            for name, value in metric.compute().items():
                figures[f"{self.task}/{prefix}{name}"] = value
        return figures
