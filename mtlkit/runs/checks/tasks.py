"""Mistakes in tasks: readers, heads and metrics that do not fit each other, and files that are missing."""

import os
from collections.abc import Iterator
from pathlib import Path

from mtlkit.data import DatasetReader
from mtlkit.errors import MtlkitError
from mtlkit.experiment import Experiment, TaskSettings
from mtlkit.files import is_file


def task_problems(experiment: Experiment) -> Iterator[str]:
    for name, task in experiment.tasks.items():
        place = f"tasks.{name}"
        try:
            reader = task.reader.build()
        except MtlkitError as error:
            yield f"{place}.reader: {error}"
            continue
        yield from (f"{place}.{problem}" for problem in task.misfits(reader))
        yield from _file_problems(place, task, reader)


def _file_problems(place: str, task: TaskSettings, reader: DatasetReader) -> Iterator[str]:
    for split, source in task.sources().items():
        try:
            missing = [path for path in reader.files(source) if not is_file(path)]
        except MtlkitError as error:
            yield f"{place}.{split}: {error}"
            continue
        if missing and not reader.fetches:
            yield f"{place}.{split}: {_missing(missing[0])}"


def vector_problems(experiment: Experiment) -> Iterator[str]:
    pretrained = experiment.vocabulary.pretrained
    if pretrained is not None and not is_file(pretrained):
        yield f"vocabulary.pretrained: {_missing(pretrained)}"


def _missing(path: Path) -> str:
    if os.path.isdir(path):  # of a path that is too long it says no
        return f"{path} is a directory; name a file in it"
    return f"no file {path}; give a path from the current folder ({Path.cwd()})"
