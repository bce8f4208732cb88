"""The predictions that runs have kept for single texts, and whether all runs were scored on the same texts."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mtlkit.comparison.records import RunRecord
from mtlkit.errors import RunError
from mtlkit.runs.predictions import predicted_tasks, read_predictions
from mtlkit.training import Predictions

ROUNDING = 1e-9

Answers = Mapping[Path, Mapping[str, Predictions]]
"""Predictions by run directory and task. A task whose predictions a run has not kept is missing."""


def read_answers(records: Iterable[RunRecord], split: str) -> Answers:
    """Reads the predictions that each run has kept for a split.

    Raises:
        RunError: a file is damaged.
        UnknownComponentError: a task was scored by a metric of a plugin that is not installed.
    """
    return {record.path: _answers(record, split) for record in records}


def check_same_texts(records: Sequence[RunRecord], tasks: Iterable[str], answers: Answers, split: str) -> None:
    """Checks that all runs were scored on the same texts with the same targets.

    Where a run has kept no predictions, every data file that two runs have in common by name must have the same
    content: a result file does not say which of its data files held the test texts.

    Raises:
        RunError: two runs were scored on different data; the message names both and the first difference.
    """
    tasks = list(tasks)
    for task in tasks:
        first, *others = [record for record in records if task in answers[record.path]] or records[:1]
        for other in others:
            one, two = (answers[record.path][task] for record in (first, other))
            if one.texts != two.texts or list(one.gold) != list(two.gold):
                raise RunError(_not_the_same(first, other, f"the {split} texts of {task} differ"))
    first = records[0]
    for other in records[1:]:
        if all(task in answers[record.path] for record in (first, other) for task in tasks):
            continue
        if first.limit != other.limit:
            raise RunError(_not_the_same(first, other, "their --limit differs"))
        shared = first.data.keys() & other.data.keys()
        if changed := sorted(name for name in shared if first.data[name] != other.data[name]):
            raise RunError(_not_the_same(first, other, f"the file {changed[0]} differs"))


def strange_answers(records: Iterable[RunRecord], answers: Answers, split: str) -> list[str]:
    """One sentence for each figure that differs from what the run's predictions give.

    Such predictions come from another evaluation than the figures, for example one on other data.
    """
    return [
        f"{record.path}: its answers come to {name} {value:.2%}, its figures say {record.figures[split][name]:.2%}"
        for record in records
        for predictions in answers[record.path].values()
        for name, value in predictions.figures().items()
        if abs(value - record.figures[split].get(name, value)) > ROUNDING
    ]


def _answers(record: RunRecord, split: str) -> dict[str, Predictions]:
    files = {} if record.predictions is None else predicted_tasks(record.predictions, split)
    return {task: read_predictions(file) for task, file in files.items()}


def _not_the_same(first: RunRecord, other: RunRecord, what: str) -> str:
    return f"{first.path} and {other.path}: were not scored on the same data, {what}; compare runs on the same data"
