"""Preparation for scoring: splits of tasks with their metrics and labels, and tables of the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray

from mtlkit.config import Lazy
from mtlkit.data import Corpus, TaskSplit, Vocabulary, clean_mask
from mtlkit.figures import MAJORITY, Figure
from mtlkit.metrics import Metric
from mtlkit.model import MultiTaskModel
from mtlkit.tables import Table
from mtlkit.training import EvaluationTask


def evaluation_tasks(
    corpora: Mapping[str, Corpus],
    metrics: Mapping[str, Sequence[Lazy[Metric]]],
    vocabulary: Vocabulary,
    *,
    model: MultiTaskModel,
    device: torch.device,
    seen: NDArray[Any] | None = None,
) -> list[EvaluationTask]:
    """Prepares a split of each task for the evaluator.

    Args:
        corpora: the split of each task.
        metrics: the metrics by which each task is scored.
        vocabulary: the vocabulary with the labels of all tasks.
        model: the model to score, whose embedders determine what batches contain.
        device: the device on which batches are made.
        seen: digests of the texts that are not clean; if given, clean figures are computed as well.
    """
    return [
        EvaluationTask(
            split=TaskSplit(
                task,
                corpus,
                vocabulary,
                columns=model.embedder(task).tables,
                costs=model.embedder(task).costs,
                device=device,
            ),
            labels=vocabulary.labels(task),
            metrics=metrics[task],
            clean=None if seen is None else clean_mask(corpus, seen),
        )
        for task, corpus in corpora.items()
    ]


def majority(task: str, corpus: Corpus) -> dict[str, float]:
    """The share of a task's most common label, by the figure's name: the accuracy of always guessing that label.

    Empty for tags, and where no text has a label.
    """
    counts = corpus.label_counts()
    if corpus.target_kind != "label" or not counts:
        return {}
    return {str(Figure(task, MAJORITY)): max(counts.values()) / sum(counts.values())}


def score_table(figures: Mapping[str, float], title: str) -> Table:
    """Figures, given by name as shares of 1, as a table in percent: a row for each task, a column for each score."""
    found = [Figure.parse(name) for name in figures]
    columns = sorted({figure.score: figure for figure in found}.values(), key=lambda figure: figure.clean)
    rows = []
    for task in dict.fromkeys(figure.task for figure in found):
        cells = [figures.get(str(replace(column, task=task))) for column in columns]
        rows.append([task, *("" if cell is None else f"{cell:.2%}" for cell in cells)])
    return Table.of(title, ["task", *(column.label for column in columns)], rows)
