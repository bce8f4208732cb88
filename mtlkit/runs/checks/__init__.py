"""What can be wrong with a valid experiment before any data are read."""

from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment
from mtlkit.runs.checks.names import name_problems
from mtlkit.runs.checks.stages import stage_problems
from mtlkit.runs.checks.tasks import task_problems, vector_problems

__all__ = ["check_experiment"]


def check_experiment(experiment: Experiment, file: str) -> None:
    """Checks how the parts fit each other and the tasks, that every file is there, and that nothing is set in vain.

    Of data it reads the first line of a file of vectors, for their size.

    Raises:
        ConfigError: with every error in it.
    """
    problems = [
        *name_problems(experiment),
        *task_problems(experiment),
        *vector_problems(experiment),
        *stage_problems(experiment),
    ]
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in dict.fromkeys(problems)))
