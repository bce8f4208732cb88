"""The predictions that runs have kept for single texts, and whether they are those of the runs' figures."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from mtlkit.comparison.records import RunRecord
from mtlkit.errors import RunError
from mtlkit.runs.basis import LIMIT
from mtlkit.runs.links import check_links
from mtlkit.runs.predictions import predicted_tasks, read_predictions
from mtlkit.training import Predictions

ROUNDING = 1e-9

Answers = Mapping[Path, Mapping[str, Predictions]]
"""Predictions by run directory and task. A task whose predictions a run has not kept is missing."""


def read_answers(records: Iterable[RunRecord], split: str) -> Answers:
    """Reads the predictions that each run has kept for a split.

    Raises:
        RunError: a file is damaged, or a link that leads out of its run.
        UnknownComponentError: a task was scored by a metric of a plugin that is not installed.
    """
    return {record.path: _answers(record, split) for record in records}


def own_answers(
    records: Iterable[RunRecord], answers: Answers, split: str, *, anyway: bool
) -> tuple[Answers, list[str]]:
    """Leaves out predictions for other texts than those that the run's figures are of.

    Such predictions come from an evaluation on other data, or with another limit.

    Returns:
        The other predictions, and a sentence about each run that has predictions for other texts.

    Raises:
        RunError: a run has predictions for other texts, and `anyway` is false.
    """
    kept: dict[Path, Mapping[str, Predictions]] = {}
    notes = []
    for record in records:
        foreign = [task for task, each in answers[record.path].items() if _is_foreign(record, task, split, each)]
        kept[record.path] = {task: each for task, each in answers[record.path].items() if task not in foreign}
        if foreign:
            found = f"{record.path}: its answers are to other {split} texts of {foreign[0]} than its figures"
            if not anyway:
                remedy = f"write its own by {command_for_answers(record, split)}"
                raise RunError(f"{found}; {remedy}, or give --anyway to compare without them")
            notes.append(found)
    return kept, notes


def command_for_answers(record: RunRecord, split: str) -> str:
    """The command that writes a run's answers to its own texts, where it has a directory."""
    limit = record.basis.settings.get(LIMIT)
    limited = "" if limit is None else f" --limit {limit}"
    return f"mtlkit evaluate {record.path} --split {split}{limited} --predictions {record.predictions}"


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
    if record.predictions is None:
        return {}
    check_links(record.path, record.predictions)
    files = predicted_tasks(record.predictions, split)
    return {task: read_predictions(file) for task, file in files.items()}


def _is_foreign(record: RunRecord, task: str, split: str, predictions: Predictions) -> bool:
    known = record.basis.split(task, split)
    if known.texts is not None:
        return known.texts != predictions.texts
    return known.used is not None and known.used != len(predictions.gold)
