"""What can be wrong with a valid experiment before any data are read."""

from collections.abc import Iterator
from pathlib import Path

import torch

from mtlkit.data import Vocabulary
from mtlkit.errors import ConfigError, MtlkitError
from mtlkit.experiment import Experiment, TaskSettings, build_model

TARGETS = {"label": "one label per text", "tags": "one tag per word"}


def check_experiment(experiment: Experiment, file: str) -> None:
    """Checks how the parts fit each other and the tasks, and that every file is there. Reads no data.

    Raises:
        ConfigError: with every error in it.
    """
    problems = [*_task_problems(experiment), *_vector_problems(experiment)]
    if not problems:  # the model is only worth building when the rest is sound
        problems += _model_problems(experiment)
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in problems))


def _task_problems(experiment: Experiment) -> Iterator[str]:
    for name, task in experiment.tasks.items():
        place = f"tasks.{name}"
        try:
            reader = task.reader.build()
        except MtlkitError as error:
            yield f"{place}.reader: {error}"
            continue
        given = reader.target_kind
        if task.head.component.target_kind != given:
            wanted = TARGETS[task.head.component.target_kind]
            what = f"'{task.head.type}' needs {wanted}, the reader '{task.reader.type}' gives {TARGETS[given]}"
            yield f"{place}.head: {what}"
        for index, metric in enumerate(task.metrics):
            if metric.component.target_kind != given:
                wanted = TARGETS[metric.component.target_kind]
                yield f"{place}.metrics.{index}: '{metric.type}' scores {wanted}, the reader gives {TARGETS[given]}"
        yield from _file_problems(place, task)


def _file_problems(place: str, task: TaskSettings) -> Iterator[str]:
    reader = task.reader.build()
    for split, source in task.sources().items():
        try:
            missing = [path for path in reader.files(source) if not path.is_file()]
        except MtlkitError as error:
            yield f"{place}.{split}: {error}"
            continue
        if missing and not reader.fetches:
            yield f"{place}.{split}: no file {missing[0]}; give a path from the current folder ({Path.cwd()})"


def _vector_problems(experiment: Experiment) -> Iterator[str]:
    pretrained = experiment.vocabulary.pretrained
    if pretrained is not None and not pretrained.is_file():
        yield f"vocabulary.pretrained: no file {pretrained}"


def _model_problems(experiment: Experiment) -> Iterator[str]:
    """Builds the model without memory for its parameters, over a vocabulary of nothing."""
    labels = {name: ["O", "B-X", "I-X"] for name in experiment.tasks}
    vocabulary = Vocabulary.of(words=[], characters=[], labels=labels, lowercase=experiment.vocabulary.lowercase)
    try:
        with torch.device("meta"):
            build_model(experiment, vocabulary, None)
        experiment.trainer.selection.build(tasks=list(experiment.tasks))
    except ConfigError as error:
        yield str(error)
