"""Mistakes in tasks: readers, heads and metrics that do not fit each other, and files that are missing."""

import os
from collections.abc import Iterator
from pathlib import Path

from mtlkit.data import DatasetReader, build_reader
from mtlkit.errors import MtlkitError
from mtlkit.experiment import Experiment, TaskSettings, files_pooled_twice
from mtlkit.figures import score_problem
from mtlkit.files import NOT_REGULAR, is_file


def task_problems(experiment: Experiment) -> Iterator[str]:
    for name, task in experiment.tasks.items():
        place = f"tasks.{name}"
        try:
            reader = build_reader(task.reader, experiment.normalization)
        except MtlkitError as error:
            yield f"{place}.reader: {error}"
            continue
        yield from (f"{place}.{problem}" for problem in (*task.misfits(reader), *_score_problems(task)))
        yield from _file_problems(place, task, reader)


def _score_problems(task: TaskSettings) -> Iterator[str]:
    """Yields a problem for each score whose name is that of another figure, which it would silently replace."""
    first: dict[str, str] = {}
    for number, metric in enumerate(task.scorers()):
        place = f"metrics.{number}" if task.metrics else f"head: its metric '{metric.type}'"
        try:
            scores = metric.build().compute()
        except MtlkitError as error:
            yield f"{place}: {error}"
            continue
        except ArithmeticError:
            # It divides by the count of nothing, against the contract, but no evaluation asks for that. The names are
            # checked again when it scores.
            continue
        for name in scores:
            if (problem := score_problem(name)) is not None:
                yield f"{place}: {problem}"
            elif first.setdefault(name, place) != place:
                yield f"{place}: gives the score '{name}', as {first[name]} does; remove one of them"


def _file_problems(place: str, task: TaskSettings, reader: DatasetReader) -> Iterator[str]:
    for split, source in task.sources().items():
        try:
            missing = [path for path in reader.files(source) if not is_file(path)]
        except MtlkitError as error:
            yield f"{place}.{split}: {error}"
            continue
        if missing and not reader.fetches:
            yield f"{place}.{split}: {_missing(missing[0])}"
    yield from (f"{place}.{problem}" for problem in files_pooled_twice(task, reader))


def vector_problems(experiment: Experiment) -> Iterator[str]:
    pretrained = experiment.vocabulary.pretrained
    if pretrained is not None and not is_file(pretrained):
        yield f"vocabulary.pretrained: {_missing(pretrained)}"


def _missing(path: Path) -> str:
    if os.path.isdir(path):  # of a path that is too long it says no
        return f"{path} is a directory; name a file in it"
    if os.path.exists(path):
        return f"{path} {NOT_REGULAR}"
    return f"no file {path}; give a path from the current folder ({Path.cwd()})"
