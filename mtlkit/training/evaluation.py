"""Scores of a model on splits: standard figures, and clean ones where test texts were seen in training."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy
import torch
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.data import Batch, KeptVectors, Target, TaskSplit, bucketed_order
from mtlkit.figures import Figure
from mtlkit.metrics import Metric
from mtlkit.model import MultiTaskModel
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.sharing import Trace
from mtlkit.sharing.selectors import ModulePath
from mtlkit.training.devices import reporting_out_of_memory
from mtlkit.training.precision import Precision, autocast
from mtlkit.training.predictions import Predictions
from mtlkit.training.shards import sharded

MOST_WORDS = 2**19
"""The largest number of words in a batch, padding included; a text with more is a batch of its own."""
SMALLER = "lower evaluation_batch_size, or give mtlkit evaluate or report a smaller --batch-size"


@dataclass(frozen=True)
class EvaluationTask:
    """A task's data and metrics, ready to be scored.

    Attributes:
        labels: the task's labels by id.
        metrics: the first one's headline selects models.
        clean: (texts,) which texts occur in no training or dev data; None if all do, or it was not asked for.
    """

    split: TaskSplit
    labels: Sequence[str]
    metrics: Sequence[Lazy[Metric]]
    clean: numpy.ndarray | None = None

    @property
    def headline_figure(self) -> Figure:
        """The figure that selects models."""
        return Figure(self.split.task, self.metrics[0].component.headline)

    def answered(self, predicted: Sequence[Target]) -> Predictions:
        """A model's answers, in the split's order, beside the targets."""
        split = self.split
        gold = [split.gold(index) for index in range(len(split))]
        return Predictions(split.task, split.corpus.identity, predicted, gold, self.metrics, self.clean)


@final
@dataclass(frozen=True)
class DecodedBatch:
    """Some texts of a split, and what a model makes of them."""

    batch: Batch
    ids: Tensor
    """`Decoded.ids`, on the model's device."""
    trace: Trace | None
    """The scheme's trace of the batch; None if it was not asked for, or the scheme reports none."""


def evaluate(
    model: MultiTaskModel,
    tasks: Iterable[EvaluationTask],
    batch_size: int,
    precision: Precision = "fp32",
    path: ModulePath | None = None,
) -> dict[str, float]:
    """The figures of each task, along `path` or, without one, each task's best."""
    figures: dict[str, float] = {}
    for task in tasks:
        figures.update(predictions_of(model, task, batch_size, precision, path).figures())
    return figures


def predictions_of(
    model: MultiTaskModel,
    task: EvaluationTask,
    batch_size: int,
    precision: Precision = "fp32",
    path: ModulePath | None = None,
) -> Predictions:
    """The model's answers to a task's texts beside their targets."""
    predicted = predict_split(model, task.split, task.labels, batch_size, precision, path)
    return task.answered(predicted)


def predict_split(
    model: MultiTaskModel,
    split: TaskSplit,
    labels: Sequence[str],
    batch_size: int,
    precision: Precision = "fp32",
    path: ModulePath | None = None,
) -> list[Target]:
    """The model's decision for each text, in the split's order: a label, or a tag per word. Several processes share the
    work, and each has all decisions.

    Raises:
        OutOfMemoryError: a batch does not fit the memory.
    """
    ranks = model.compute.ranks
    batches = decoded_batches(model, split, batch_size, precision, path, ranks=ranks)
    own = [(each.batch.indices_B, each.ids) for each in batches]
    if ranks.size > 1:
        own = [pair for pairs in ranks.gather([(indices_B, ids.cpu()) for indices_B, ids in own]) for pair in pairs]
    return decisions_of_split(split, labels, own)


def decoded_batches(
    model: MultiTaskModel,
    split: TaskSplit,
    batch_size: int,
    precision: Precision = "fp32",
    path: ModulePath | None = None,
    *,
    with_trace: bool = False,
    ranks: Ranks = ONE,
) -> Iterator[DecodedBatch]:
    """One pass over a split, every text once; a trace is of the task's best path. Of several processes each has every
    N-th batch; where they share out parts of the model, which all run together, one may have a batch of another too.

    Raises:
        OutOfMemoryError: a batch does not fit the memory.
    """
    assert path is None or not with_trace
    model.eval()
    kept = KeptVectors()
    every = bucketed_order(split.costs, batch_size, None, MOST_WORDS)
    order = every[ranks.rank :: ranks.size]
    if len(order) * ranks.size < len(every) and sharded(model):
        order.append(every[0])
    for indices, places in zip(order, split.places(order), strict=True):
        # Inference mode must not be around the yield: it would then stay on in the code that consumes the batch.
        with torch.inference_mode(), reporting_out_of_memory(partial(_scoring, split, indices), SMALLER):
            batch = split.batch(indices, places, kept)
            with autocast(batch.text.mask_BT.device, precision):
                if with_trace:
                    decoded, trace = model.decode_with_trace(batch)
                else:
                    decoded, trace = model.decode(batch, path=path), None
        yield DecodedBatch(batch, decoded.ids, trace)


def decisions_of_split(
    split: TaskSplit, labels: Sequence[str], decoded: Sequence[tuple[Tensor, Tensor]]
) -> list[Target]:
    """What was decided for each text, in the split's order: a label, or a tag per word.

    Args:
        split: the texts.
        labels: the task's by id.
        decoded: of each batch, its places in the split and the ids of what was decided.
    """
    decisions: list[Target] = [""] * len(split)
    found = _on_host([ids for _, ids in decoded])
    for (indices, _), ids in zip(decoded, found, strict=True):
        for index, row in zip(indices.tolist(), ids.tolist(), strict=True):
            decisions[index] = as_target(row, labels)
    return decisions


def _scoring(split: TaskSplit, indices: Tensor) -> str:
    longest = int(split.lengths[indices].max())
    return f"scoring a batch of {len(indices):,} texts of {split.task}, of up to {longest:,} words"


def _on_host(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Copies all tensors to the CPU together, so that no batch waits for the one before it to be read."""
    sizes = [tensor.numel() for tensor in tensors]
    flat = torch.split(torch.cat([tensor.flatten() for tensor in tensors]).cpu(), sizes)
    return [part.view(tensor.shape) for part, tensor in zip(flat, tensors, strict=True)]


def as_target(row: int | list[int], labels: Sequence[str]) -> Target:
    """A decision's ids in words: one label, or a tag per word (-1 is padding)."""
    if isinstance(row, int):
        return labels[row]
    return tuple(labels[tag] for tag in row if tag >= 0)
