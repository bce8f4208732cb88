"""What is scored: a split of each task with the metrics and labels that it is scored by."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from mtlkit.config import Lazy
from mtlkit.data import Corpus, TaskSplit, Vocabulary, clean_mask
from mtlkit.metrics import Metric
from mtlkit.tables import Table
from mtlkit.training import EvaluationTask


def evaluation_tasks(
    corpora: Mapping[str, Corpus],
    metrics: Mapping[str, Sequence[Lazy[Metric]]],
    vocabulary: Vocabulary,
    *,
    characters: bool,
    device: torch.device,
    seen: NDArray[Any] | None = None,
) -> list[EvaluationTask]:
    """What the evaluator needs of a split; with `seen`, its clean part is scored as well."""
    return [
        EvaluationTask(
            split=TaskSplit(task, corpus, vocabulary, with_characters=characters, device=device),
            labels=vocabulary.labels(task),
            metrics=metrics[task],
            clean=None if seen is None else clean_mask(corpus, seen),
        )
        for task, corpus in corpora.items()
    ]


def majority(task: str, corpus: Corpus) -> dict[str, float]:
    """`task/majority`, the share of the commonest label: what guessing it always would score. Nothing for tags."""
    counts = corpus.label_counts()
    if corpus.target_kind != "label" or not counts:
        return {}
    return {f"{task}/majority": max(counts.values()) / sum(counts.values())}


def score_table(figures: Mapping[str, float], title: str) -> Table:
    """Figures by `task/metric`, shares of 1, as a table in percent: a row for each task, a column for each metric."""
    tasks = list(dict.fromkeys(name.split("/", 1)[0] for name in figures))
    metrics = sorted(
        dict.fromkeys(name.split("/", 1)[1] for name in figures), key=lambda name: name.startswith("clean_")
    )
    rows = []
    for task in tasks:
        cells = [figures.get(f"{task}/{metric}") for metric in metrics]
        rows.append([task, *("" if cell is None else f"{cell:.2%}" for cell in cells)])
    return Table.of(title, ["task", *(metric.replace("_", " ") for metric in metrics)], rows)
