"""Scores on resamples of a task's texts, from the predictions of runs for each text.

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
"""The prediction and the target of each text."""


def stratum_of(runs: Sequence[Predictions], lazy: Lazy[Metric], figure: str, clean: bool) -> Stratum | None:
    """The texts of a task that have a target, as a stratum to resample; None where no text has one.

    Args:
        runs: predictions of K runs for the same texts.
        lazy: the metric that gives the figure.
        figure: a key of the metric's `compute`.
        clean: whether to take the clean texts only, which are the same for all runs.
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
    """The metric of a task that gives a figure, or None."""
    return next((lazy for lazy in predictions.metrics if figure in lazy.build().compute()), None)


def from_counts(metric: AdditiveMetric, figure: str, answers: Sequence[Pairs]) -> Callable[[Array], Array]:
    """A score function that sums the counts of all resamples in one matrix product."""
    counts_KnC = numpy.array([[metric.counts(*pair) for pair in pairs] for pairs in answers], numpy.float64)
    num_runs, size, num_counts = counts_KnC.shape
    counts_nKC = counts_KnC.transpose(1, 0, 2).reshape(size, num_runs * num_counts)

    def score(times_Rn: Array) -> Array:
        sums_RKC = (times_Rn @ counts_nKC).reshape(-1, num_runs, num_counts)
        return metric.scores(numpy.moveaxis(sums_RKC, -1, 0))[figure]

    return score


def recomputed(lazy: Lazy[Metric], figure: str, answers: Sequence[Pairs]) -> Callable[[Array], Array]:
    """A score function that computes the metric again on each resample: slow, but correct for every metric."""

    def score(times_Rn: Array) -> Array:
        return numpy.array([[_figure(lazy, figure, pairs, times_n) for pairs in answers] for times_n in times_Rn])

    return score


def _figure(lazy: Lazy[Metric], figure: str, pairs: Pairs, times_n: Array) -> float:
    drawn = [pairs[place] for place in numpy.repeat(numpy.arange(len(pairs)), times_n.astype(int)).tolist()]
    metric = lazy.build()
    metric.update([answer for answer, _ in drawn], [truth for _, truth in drawn])
    return metric.compute()[figure]
