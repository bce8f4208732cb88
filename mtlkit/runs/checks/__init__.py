"""Checks of a valid experiment for mistakes that can be found before any data are read."""

from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment
from mtlkit.runs.checks.stages import stage_problems
from mtlkit.runs.checks.tasks import task_problems, vector_problems

__all__ = ["check_experiment"]


def check_experiment(experiment: Experiment, file: str) -> None:
    """Checks that the parts fit each other and the tasks, that every file exists, and that every setting has an effect.

    No data are read, except for the first line of a file of pretrained vectors, which gives their size.

    Raises:
        ConfigError: the experiment has errors; the message lists all of them.
    """
    problems = [
        *task_problems(experiment),
        *vector_problems(experiment),
        *stage_problems(experiment),
    ]
    if problems:
        raise ConfigError(*(f"{file}: {problem}" for problem in dict.fromkeys(problems)))
