"""A model's answers to the texts of a task's split, and the figures computed from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy
from numpy.typing import NDArray

from mtlkit.config import Lazy
from mtlkit.data import Target
from mtlkit.errors import ComponentError
from mtlkit.figures import SHARE, Figure, score_problem
from mtlkit.metrics import Metric


@final
@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers to n texts, in the order of the split."""

    task: str
    texts: str
    """A digest that identifies the texts, as `Corpus.identity` gives it."""
    predicted: Sequence[Target]
    gold: Sequence[Target | None]
    """The target of each text; None for a text without one, which is not scored."""
    metrics: Sequence[Lazy[Metric]]
    """The task's metrics; the headline of the first selects models."""
    clean: NDArray[numpy.bool_] | None = None
    """(n,) which texts occur in no training or dev data; None if it was not asked for."""

    def is_about_the_same_as(self, other: "Predictions") -> bool:
        """Whether both are for the same texts, in the same order and with the same targets."""
        return self.texts == other.texts and list(self.gold) == list(other.gold)

    def figures(self) -> dict[str, float]:
        """The value of each figure, by its name; nothing where no text has a target.

        Where some texts were seen in training, also the share of those that were not, and each score on them.

        Raises:
            ComponentError: a metric's score has a name that another figure has.
        """
        figures = self._scores(range(len(self.predicted)), clean=False)
        if self.clean is not None and not self.clean.all():
            figures[str(Figure(self.task, SHARE, clean=True))] = float(self.clean.mean())
            figures.update(self._scores(numpy.flatnonzero(self.clean).tolist(), clean=True))
        return figures

    def _scores(self, places: Sequence[int], *, clean: bool) -> dict[str, float]:
        """The scores on the texts at these places."""
        pairs = [(self.predicted[place], truth) for place in places if (truth := self.gold[place]) is not None]
        figures: dict[str, float] = {}
        for lazy in self.metrics if pairs else ():
            metric = lazy.build()
            metric.update([answer for answer, _ in pairs], [truth for _, truth in pairs])
            for name, value in metric.compute().items():
                if (problem := score_problem(name)) is not None:
                    raise ComponentError(f"metric '{lazy.type}': {problem}")
                figures[str(Figure(self.task, name, clean))] = value
        return figures
