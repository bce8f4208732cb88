"""Scores of resamples of a task's texts, from the answers that runs gave to each.

Shapes: R resamples, n texts, K runs, C counts.
"""

from collections.abc import Callable, Sequence

import numpy

from mtlkit.comparison.bootstrap import Array, Stratum
from mtlkit.config import Lazy
from mtlkit.data import Target
from mtlkit.metrics import AdditiveMetric, Metric
from mtlkit.training import Predictions

Pairs = Sequence[tuple[Target, Target]]
"""Answer and target of each text."""


def stratum_of(runs: Sequence[Predictions], lazy: Lazy[Metric], figure: str, clean: bool) -> Stratum | None:
    """The texts of a task that have a target, scored for each run; None where there are none.

    Args:
        runs: answers of K runs to the same texts.
        lazy: gives the figure.
        figure: a key of `Metric.compute`.
        clean: take the clean texts only, which are the same for all runs.
    """
    first = runs[0]
    kept = numpy.array([truth is not None for truth in first.gold], bool)
    if clean and first.clean is not None:
        kept &= first.clean
    places = numpy.flatnonzero(kept).tolist()
    if not places:
        return None
    gold = [truth for place in places if (truth := first.gold[place]) is not None]
    answers = [list(zip((run.predicted[place] for place in places), gold, strict=True)) for run in runs]
    metric = lazy.build()
    if isinstance(metric, AdditiveMetric):
        return Stratum(first.task, len(places), from_counts(metric, figure, answers))
    return Stratum(first.task, len(places), recomputed(lazy, figure, answers))


def metric_of(predictions: Predictions, figure: str) -> Lazy[Metric] | None:
    """The metric that gives a figure, if one does."""
    return next((lazy for lazy in predictions.metrics if figure in lazy.build().compute()), None)


def from_counts(metric: AdditiveMetric, figure: str, answers: Sequence[Pairs]) -> Callable[[Array], Array]:
    """Sums the counts of each resample by one product of matrices."""
    counts_KnC = numpy.array([[metric.counts(*pair) for pair in pairs] for pairs in answers], numpy.float64)
    num_runs, size, num_counts = counts_KnC.shape
    counts_nKC = counts_KnC.transpose(1, 0, 2).reshape(size, num_runs * num_counts)

    def score(times_Rn: Array) -> Array:
        sums_RKC = (times_Rn @ counts_nKC).reshape(-1, num_runs, num_counts)
        return metric.scores(numpy.moveaxis(sums_RKC, -1, 0))[figure]

    return score


def recomputed(lazy: Lazy[Metric], figure: str, answers: Sequence[Pairs]) -> Callable[[Array], Array]:
    """Gives each resample to a metric of its own: slow, and right for every metric."""

    def score(times_Rn: Array) -> Array:
        return numpy.array([[_figure(lazy, figure, pairs, times_n) for pairs in answers] for times_n in times_Rn])

    return score


def _figure(lazy: Lazy[Metric], figure: str, pairs: Pairs, times_n: Array) -> float:
    drawn = [pairs[place] for place in numpy.repeat(numpy.arange(len(pairs)), times_n.astype(int)).tolist()]
    metric = lazy.build()
    metric.update([answer for answer, _ in drawn], [truth for _, truth in drawn])
    return metric.compute()[figure]
