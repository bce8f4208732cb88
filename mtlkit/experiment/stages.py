"""The stages of a run, each as an experiment of its own, which is the one that its trainer trains."""

import hashlib
from collections.abc import Mapping
from typing import Any

from mtlkit.config import Lazy
from mtlkit.experiment.settings import Experiment
from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.training import StageSettings

ONLY = "train"
"""The name of the only stage of a run without stages."""

TaskPaths = Mapping[str, ModulePath]
"""The path that each task keeps to."""


def stages_of(experiment: Experiment) -> list[StageSettings]:
    """The stages of an experiment, in order; for an experiment without stages, a single one with its trainer."""
    return experiment.stages or [StageSettings(name=ONLY, trainer=experiment.trainer)]


def seed_of(experiment: Experiment, number: int, *, summed: bool = False) -> int:
    """The seed of stage `number` of a run, counted from 0; the first stage has the experiment's own.

    Later stages draw theirs from a digest. The sum of seed and number, which runs of older versions had (`summed`),
    gave the second stage of seed 13 the random numbers that the first stage of seed 14 has: runs with neighbouring
    seeds, from which a spread over seeds is computed, were then not independent.
    """
    if number == 0 or summed:
        return (experiment.seed + number) % 2**63
    digest = hashlib.sha256(f"{experiment.seed}/stage/{number}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def tasks_of(experiment: Experiment, stage: StageSettings) -> list[str]:
    """The tasks that a stage trains, in the experiment's order."""
    return [task for task in experiment.tasks if stage.tasks is None or task in stage.tasks]


def experiment_of(experiment: Experiment, stage: StageSettings, paths: TaskPaths | None = None) -> Experiment:
    """The experiment that a stage trains, without stages, as an archive can contain it.

    Args:
        experiment: the experiment of the run.
        stage: one of its stages.
        paths: the paths that this stage or one before it derived, if its scheme is the model's; the scheme then no
            longer searches.
    """
    tasks = {task: experiment.tasks[task] for task in tasks_of(experiment, stage)}
    scheme: Lazy[Any] = stage.sharing or experiment.model.sharing
    if paths is not None:
        assert issubclass(scheme.component, SearchableScheme), "only a search gives paths"
        own = {task: path for task, path in paths.items() if task in tasks}
        scheme = scheme.component.with_paths(scheme, own)
    model = experiment.model.model_copy(update={"sharing": scheme})
    return experiment.model_copy(update={"tasks": tasks, "model": model, "trainer": stage.trainer, "stages": []})
