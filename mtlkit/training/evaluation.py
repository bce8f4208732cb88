"""Scores of a model on splits: standard figures, and clean ones where test texts were seen in training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy
import torch

from mtlkit.config import Lazy
from mtlkit.data import Target, TaskSplit, bucketed_order
from mtlkit.metrics import Metric
from mtlkit.models import MultiTaskModel
from mtlkit.training.optimization import Precision, autocast

AVERAGE = "average"
CLEAN = "clean_"


@dataclass(frozen=True)
class EvaluationTask:
    """A task's data and metrics, ready to be scored.

    Attributes:
        labels: the task's labels by id.
        metrics: the first one's headline selects models.
        clean: (texts,) which texts occur in no training or dev data; None where all do or nobody asked.
    """

    split: TaskSplit
    labels: Sequence[str]
    metrics: Sequence[Lazy[Metric]]
    clean: numpy.ndarray | None = None

    @property
    def headline(self) -> str:
        """The metric that selects models."""
        return self.metrics[0].component.headline


def evaluate(
    model: MultiTaskModel, tasks: Iterable[EvaluationTask], batch_size: int, precision: Precision = "fp32"
) -> dict[str, float]:
    """`task/metric` of each task; `task/clean_metric` on texts that were never seen, where that makes a difference."""
    figures: dict[str, float] = {}
    for task in tasks:
        predicted = predict_split(model, task.split, task.labels, batch_size, precision)
        gold = [task.split.gold(index) for index in range(len(task.split))]
        figures.update(_score(task, "", predicted, gold))
        if task.clean is not None and not task.clean.all():
            kept = numpy.flatnonzero(task.clean)
            figures.update(_score(task, CLEAN, [predicted[i] for i in kept], [gold[i] for i in kept]))
    return figures


def with_averages(figures: Mapping[str, float]) -> dict[str, float]:
    """`figures` and, for each metric that several tasks have, `average/metric`.

    In a clean average, a task without a clean figure counts with its standard one, which is the same there.
    """
    by_task: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        task, metric = name.split("/", 1)
        by_task.setdefault(task, {})[metric] = value
    averages = {}
    for metric in dict.fromkeys(name.split("/", 1)[1] for name in figures):
        plain = metric.removeprefix(CLEAN)
        values = [scores.get(metric, scores[plain]) for scores in by_task.values() if plain in scores]
        if len(values) > 1:
            averages[f"{AVERAGE}/{metric}"] = fmean(values)
    return {**figures, **averages}


def predict_split(
    model: MultiTaskModel, split: TaskSplit, labels: Sequence[str], batch_size: int, precision: Precision = "fp32"
) -> list[Target]:
    """The model's decision for each text, in the split's order: a label, or a tag per word."""
    model.eval()
    decisions: list[Target] = [""] * len(split)
    with torch.inference_mode():
        for indices in bucketed_order(split.lengths, batch_size, None):
            batch = split.batch(indices)
            with autocast(batch.text.mask_BT.device, precision):
                decoded = model.decode(batch)
            for index, row in zip(indices.tolist(), decoded.ids.tolist(), strict=True):
                decisions[index] = names(row, labels)
    return decisions


def names(row: int | list[int], labels: Sequence[str]) -> Target:
    """A decision's ids as names: one label, or a tag per word (-1 is padding)."""
    if isinstance(row, int):
        return labels[row]
    return tuple(labels[tag] for tag in row if tag >= 0)


def _score(
    task: EvaluationTask, prefix: str, predicted: Sequence[Target], gold: Sequence[Target | None]
) -> dict[str, float]:
    """`task/prefix_metric` of every metric, over the texts that have a target; nothing where there is none."""
    pairs = [(guess, truth) for guess, truth in zip(predicted, gold, strict=True) if truth is not None]
    figures: dict[str, float] = {}
    for lazy in task.metrics if pairs else ():
        metric = lazy.build()
        metric.update([guess for guess, _ in pairs], [truth for _, truth in pairs])
        for name, value in metric.compute().items():
            figures[f"{task.split.task}/{prefix}{name}"] = value
    return figures
