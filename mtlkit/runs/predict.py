"""`predict`: answers of an archive to raw texts, as they arrive."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from math import isfinite
from typing import Any

import torch

from mtlkit.archive import Archive
from mtlkit.data import Batch, Corpus, DatasetReader, Instance, TaskSplit
from mtlkit.errors import ConfigError, DataError
from mtlkit.heads import Decoded
from mtlkit.training import as_target
from mtlkit.training.devices import reporting_out_of_memory
from mtlkit.training.optimization import autocast

Input = tuple[str | Mapping[str, object] | DataError, str]
"""A raw text or a JSON object, or the error in its place, together with its place in the input for messages."""
NO_NUMBER = "the model computes values that are not finite; its weights are not sound, ask its author for others"


def predict_inputs(
    archive: Archive, inputs: Iterable[Input], tasks: Sequence[str], batch_size: int = 64
) -> Iterator[dict[str, Any]]:
    """Yields a record for each input and task, in order; the record of a bad input has an `error`.

    Args:
        archive: the trained model.
        inputs: the inputs, read as they arrive, `batch_size` at a time.
        tasks: the tasks whose heads answer, without repetitions.
        batch_size: the number of inputs that are read before answers are given.

    Raises:
        OutOfMemoryError: a batch does not fit in memory.
    """
    readers = {task: archive.reader_for(task) for task in tasks}
    stream = iter(inputs)
    while chunk := list(islice(stream, batch_size)):
        answers = [_answer(archive, chunk, task, reader) for task, reader in readers.items()]
        for records in zip(*answers, strict=True):
            yield from records


def tasks_asked(archive: Archive, tasks: Sequence[str]) -> list[str]:
    """The tasks whose heads are to answer: the given ones, or all tasks of the archive if none is given.

    Raises:
        ConfigError: the archive has no such task.
    """
    known = list(archive.experiment.tasks)
    if unknown := [name for name in tasks if name not in known]:
        raise ConfigError(f"--task {unknown[0]}: the archive's tasks are {', '.join(known)}")
    return list(dict.fromkeys(tasks)) or known


def _answer(archive: Archive, chunk: Sequence[Input], task: str, reader: DatasetReader) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    good: list[tuple[dict[str, Any], Instance]] = []
    max_length = archive.experiment.tasks[task].max_length
    for raw, place in chunk:
        record: dict[str, Any] = {"task": task}
        records.append(record)
        try:
            if isinstance(raw, DataError):
                raise raw
            words = reader.parse(raw).words[:max_length]
        except DataError as error:
            record["error"] = f"{place}: {error}"
        else:
            record["words"] = list(words)
            good.append((record, Instance(words)))
    if good:
        corpus = Corpus.from_instances([instance for _, instance in good], reader.target_kind)
        for (record, _), decision in zip(good, _decide(archive, task, corpus), strict=True):
            record.update(decision)
    return records


def _decide(archive: Archive, task: str, corpus: Corpus) -> list[dict[str, Any]]:
    model, precision = archive.model_for(task), archive.experiment.trainer.precision
    with torch.inference_mode(), autocast(archive.device, precision), answering(corpus, "or a smaller --batch-size"):
        decoded = model.decode(as_batch(archive, task, corpus))
    return decisions_of(decoded, archive.vocabulary.labels(task))


def answering(corpus: Corpus, fewer: str) -> AbstractContextManager[None]:
    """Reports running out of memory inside the block as an error about the texts of a corpus, which are one batch."""
    size = f"{len(corpus):,} texts, of up to {corpus.lengths.max():,} words"
    return reporting_out_of_memory(lambda: f"answering {size}", f"give shorter texts, {fewer}")


def as_batch(archive: Archive, task: str, corpus: Corpus) -> Batch:
    """All texts of a corpus as one batch for the task's model, in the order of the corpus."""
    columns = archive.model_for(task).embedder(task).tables
    split = TaskSplit(task, corpus, archive.vocabulary, columns=columns, device=archive.device)
    return split.batch(torch.arange(len(split)))


def decisions_of(decoded: Decoded, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The record of each text's decision: `label` and its `probability`, or `tags`.

    A record has an `error` instead if the probability is not finite.
    """
    decisions: list[dict[str, Any]] = []
    for row in decoded.ids.tolist():
        name = as_target(row, labels)
        decisions.append({"label": name} if isinstance(name, str) else {"tags": list(name)})
    if decoded.confidence_B is None:
        return decisions
    return [
        {**decision, "probability": round(probability, 6)} if isfinite(probability) else {"error": NO_NUMBER}
        for decision, probability in zip(decisions, decoded.confidence_B.tolist(), strict=True)
    ]
