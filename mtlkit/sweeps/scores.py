"""The scores of a run of a sweep: one number for each split."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mtlkit.experiment import Experiment, experiment_of, headlines_of, stages_of
from mtlkit.figures import Figure, counted


@dataclass(frozen=True)
class RunScores:
    """A run's scores at its best epoch, each None where there are no such data. Only `dev` selects points."""

    dev: float | None
    test: float | None
    clean_test: float | None


def scores_of(experiment: Experiment, metrics: Mapping[str, Any]) -> RunScores:
    """The scores of a finished run. Each combines the tasks' figures in the way of the run's model selection.

    Args:
        experiment: the experiment of the run.
        metrics: the content of its `metrics.json`.
    """
    test, headlines = metrics["test"], headlines_of(experiment, metrics)
    return RunScores(
        _score(experiment, metrics["dev"], headlines, clean=False),
        _score(experiment, test, headlines, clean=False),
        _score(experiment, test, headlines, clean=True),
    )


def can_be_scored(experiment: Experiment) -> bool:
    """Whether the experiment has dev data that can select a point."""
    dev = {str(Figure(name, task.headline)): 0.0 for name, task in experiment.tasks.items() if "dev" in task.splits}
    return _score(experiment, dev, headlines_of(experiment, {}), clean=False) is not None


def _score(
    experiment: Experiment, figures: Mapping[str, float], metrics: Mapping[str, str], clean: bool
) -> float | None:
    """The score of the model selection, or the mean of its scores where it keeps several sets of weights."""
    last = stages_of(experiment)[-1]
    trained = experiment_of(experiment, last)
    headlines = {}
    for task in trained.tasks:
        value = counted(figures, Figure(task, metrics[task], clean))
        if value is not None:
            headlines[task] = value
    selection = last.trainer.selection.build(tasks=list(trained.tasks))
    scores = selection.scores(headlines) if headlines else {}
    return fmean(scores.values()) if scores else None
