"""Intervals of systems' gains over a baseline, computed from the predictions of their runs.

Shapes: R resamples, K runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy

from mtlkit.comparison.answers import Answers
from mtlkit.comparison.bootstrap import Array, Interval, interval, resampled_scores
from mtlkit.comparison.outcomes import metric_of, stratum_of
from mtlkit.comparison.records import System
from mtlkit.comparison.seeds import SeedVariance, over_seeds_too
from mtlkit.figures import AVERAGE

Intervals = Mapping[str, Mapping[str, Interval]]
"""Intervals by system and task, with AVERAGE among the tasks. A gain without an interval is missing."""


@dataclass(frozen=True)
class ResampledScores:
    """The scores of K runs on the texts of a task, and on R resamples of them."""

    found_K: Array
    resampled_RK: Array


def intervals(
    systems: Sequence[System],
    baseline: System,
    metrics: Mapping[str, str],
    answers: Answers,
    *,
    clean: bool,
    resamples: int,
    seed: int,
    texts_only: bool,
) -> Intervals:
    """The interval of each system's gain, in each task and on average; seeds are averaged on every resample.

    It is over seeds and texts where both the system and the baseline have several seeds, and otherwise over texts.

    Args:
        systems: systems whose runs have kept predictions for every task, the baseline among them.
        baseline: the system that gains are measured against.
        metrics: the score to compare, by task.
        answers: the predictions of all runs.
        clean: whether to score the clean texts only, which are the same for all runs.
        resamples: how many resamples to draw.
        seed: seed of the resamples.
        texts_only: whether to leave seeds out, for the models as they are.
    """
    runs = [run for system in systems for run in system.runs]
    by_task: dict[str, ResampledScores] = {}
    for task, figure in metrics.items():
        of_task = [answers[run.path][task] for run in runs]
        metric = metric_of(of_task[0], figure)
        assert metric is not None, "the caller has looked"
        if (stratum := stratum_of(of_task, metric, figure, clean)) is not None:
            found_K = stratum.score(numpy.ones((1, stratum.size)))[0]
            by_task[task] = ResampledScores(found_K, resampled_scores(stratum, resamples, seed))
    if by_task:
        by_task[AVERAGE] = ResampledScores(
            numpy.mean([scores.found_K for scores in by_task.values()], axis=0),
            numpy.mean([scores.resampled_RK for scores in by_task.values()], axis=0),
        )
    places = {system.name: [place for place, run in enumerate(runs) if run in system.runs] for system in systems}
    of_baseline = places[baseline.name]
    return {
        system.name: {
            task: _interval(scores, places[system.name], of_baseline, None if texts_only else (task, seed))
            for task, scores in by_task.items()
        }
        for system in systems
        if system is not baseline
    }


def _interval(
    scores: ResampledScores, system: Sequence[int], baseline: Sequence[int], drawn: tuple[str, int] | None
) -> Interval:
    """Over seeds too, drawn by this name and seed, where there are several of each."""
    gains_R = scores.resampled_RK[:, system].mean(axis=1) - scores.resampled_RK[:, baseline].mean(axis=1)
    gain = fmean(scores.found_K[system]) - fmean(scores.found_K[baseline])
    if drawn is None or min(len(system), len(baseline)) < 2:
        return interval(gains_R, gain)
    variances = [SeedVariance.of(scores.found_K[own], scores.resampled_RK[:, own]) for own in (system, baseline)]
    return over_seeds_too(gains_R, gain, variances, *drawn)
