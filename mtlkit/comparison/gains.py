"""Intervals of systems' gains over a baseline, from the answers of their runs.

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
from mtlkit.figures import AVERAGE

Intervals = Mapping[str, Mapping[str, Interval]]
"""By system and task, AVERAGE included; what cannot be told is not in it."""


@dataclass(frozen=True)
class ResampledScores:
    """What K runs come to on the texts, and on R resamples of them."""

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
) -> Intervals:
    """The interval of each system's gain, in each task and on average; seeds are averaged on every resample.

    Args:
        systems: whose runs have all answered the texts of the tasks; the baseline is among them.
        baseline: what gains are counted from.
        metrics: what is scored, by task.
        answers: of all runs.
        clean: on the clean texts, which are the same for all.
        resamples: how many.
        seed: of the resamples.
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
    return {
        system.name: {
            task: _interval(scores, places[system.name], places[baseline.name]) for task, scores in by_task.items()
        }
        for system in systems
        if system is not baseline
    }


def _interval(scores: ResampledScores, system: Sequence[int], baseline: Sequence[int]) -> Interval:
    gains_R = scores.resampled_RK[:, system].mean(axis=1) - scores.resampled_RK[:, baseline].mean(axis=1)
    return interval(gains_R, fmean(scores.found_K[system]) - fmean(scores.found_K[baseline]))
