"""What a run of a sweep came to: one figure for each split."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mtlkit.experiment import Experiment, experiment_of, stages_of
from mtlkit.figures import Figure, counted


@dataclass(frozen=True)
class RunScores:
    """By the weights of the best epoch. Only `dev` chooses; the others are None where there are no test data."""

    dev: float | None
    test: float | None
    clean_test: float | None


def scores_of(experiment: Experiment, metrics: Mapping[str, Any]) -> RunScores:
    """The scores of a finished run, all three made of the tasks' figures as its model selection makes its own.

    Args:
        experiment: the run's.
        metrics: what its `metrics.json` says.
    """
    test = metrics["test"]
    return RunScores(
        _score(experiment, metrics["dev"], clean=False),
        _score(experiment, test, clean=False),
        _score(experiment, test, clean=True),
    )


def can_be_scored(experiment: Experiment) -> bool:
    """Whether there are dev data that choose."""
    dev = {str(Figure(name, task.headline)): 0.0 for name, task in experiment.tasks.items() if task.dev}
    return _score(experiment, dev, clean=False) is not None


def _score(experiment: Experiment, figures: Mapping[str, float], clean: bool) -> float | None:
    """The selection's score, or the mean of its scores where it keeps several sets of weights."""
    last = stages_of(experiment)[-1]
    trained = experiment_of(experiment, last)
    headlines = {}
    for task, settings in trained.tasks.items():
        value = counted(figures, Figure(task, settings.headline, clean))
        if value is not None:
            headlines[task] = value
    selection = last.trainer.selection.build(tasks=list(trained.tasks))
    scores = selection.scores(headlines) if headlines else {}
    return fmean(scores.values()) if scores else None
