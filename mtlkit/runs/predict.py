"""`predict`: answers of an archive to raw texts, as they arrive."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, TypeAlias, final

import torch

from mtlkit.archive import Archive
from mtlkit.data import Batch, Corpus, DatasetReader, Instance, Skipped, TaskSplit, bucketed_order
from mtlkit.data.limits import LONGEST_ANSWERED
from mtlkit.data.lines import BYTE_ORDER_MARK
from mtlkit.errors import ConfigError, DataError
from mtlkit.heads import Decoded
from mtlkit.runs.reading_ahead import MOST_CHARACTERS, windows
from mtlkit.text import visible
from mtlkit.training import as_target
from mtlkit.training.devices import reporting_out_of_memory
from mtlkit.training.precision import autocast

OF_ANSWERS = frozenset(["task", "number", "words", "label", "tags", "probability", "target", "cut", "error", "input"])
"""The names of the fields of records that do not come from the input."""


@final
@dataclass(frozen=True, slots=True)
class WithId:
    """A raw text with its id."""

    id: str
    text: str


Raw: TypeAlias = str | WithId | Mapping[str, object]
"""A text as a user gives it: as it is, with an id, or as a JSON object."""
Input: TypeAlias = tuple[Raw | Instance | Skipped | DataError, str]
"""A raw text, one that a reader has read or left out, or the error in its place; and its place for messages."""
Numbered: TypeAlias = tuple[int, Raw | Instance | Skipped | DataError, str]
"""An input with its number, counted from 1."""
MOST_WORDS = 2**17
"""The largest number of words that are answered at once, padding included, such as 64 texts of 2,048 words."""
BATCHES_AHEAD = 32
"""The number of batches that are read before the first is answered, where reading does not have to wait for anybody."""
NO_NUMBER = "the model computes values that are not finite; its weights are not sound, ask its author for others"


def predict_inputs(
    archive: Archive,
    inputs: Iterable[Input],
    tasks: Sequence[str],
    batch_size: int = 64,
    readers: Mapping[str, DatasetReader] | None = None,
    batches_ahead: int = BATCHES_AHEAD,
) -> Iterator[dict[str, Any]]:
    """Yields a record for each input and task, in order; the record of a bad input has an `error`.

    Inputs are read several batches ahead, and texts of like lengths are answered together, which is faster; no answer
    depends on it, but for the last digits of a probability. The records of all inputs before an error are yielded
    before it is raised.
    A text with more words than the task's `max_length` is cut, and its record has the number of its words as `cut`. If
    the task has none, a text of more than 20,000 words has an `error`. A record has the `number` of its input, counted
    from 1. Texts that a reader has left out count, but have no record.
    The id of a text, and the fields of a JSON object that the reader does not read, come back as fields of the record;
    those that are named as a field of answers, such as `label`, come back under `input`. The target that an input has,
    if any, comes back as `target`.

    Args:
        archive: the trained model.
        inputs: the inputs.
        tasks: the tasks whose heads answer, without repetitions.
        batch_size: the largest number of texts that are answered together.
        readers: the readers of the tasks, if they have been built.
        batches_ahead: the number of batches that are read before answers are given, or fewer if texts are long; with 1,
            each batch is answered as soon as it has arrived.

    Raises:
        DataError: the inputs raise it.
        OutOfMemoryError: a batch does not fit in memory.
    """
    readers = readers or {task: archive.reader_for(task) for task in tasks}
    for window in read_ahead(inputs, len(readers), batch_size, batches_ahead):
        yield from answers_to(archive, window, readers, batch_size)


def read_ahead(
    inputs: Iterable[Input], num_tasks: int, batch_size: int = 64, batches_ahead: int = BATCHES_AHEAD
) -> Iterator[list[Numbered]]:
    """Yields the inputs in windows, each of which is answered by itself, so that no answer depends on another window.

    Args:
        inputs: the inputs; those that a reader has left out count, but are in no window.
        num_tasks: the number of tasks whose heads answer. A window is the shorter, the more there are.
        batch_size: see `predict_inputs`.
        batches_ahead: see `predict_inputs`.

    Raises:
        MtlkitError: the inputs raise it; the windows before it are yielded first.
    """
    stream = ((number, *each) for number, each in enumerate(inputs, 1) if not isinstance(each[0], Skipped))
    most = batch_size * batches_ahead if batch_size > 1 else 1  # batches of one text gain nothing
    # Each task has its own words of every text in a window, hence the division.
    return windows(stream, batch_size, most, _num_characters, MOST_CHARACTERS // num_tasks)


def answers_to(
    archive: Archive, window: Sequence[Numbered], readers: Mapping[str, DatasetReader], batch_size: int
) -> Iterator[dict[str, Any]]:
    """Yields the records of the inputs of one window, for each input those of all tasks; see `predict_inputs`."""
    answers = [_answer(archive, window, task, reader, batch_size) for task, reader in readers.items()]
    for records in zip(*answers, strict=True):
        yield from records


def as_line(record: Mapping[str, Any]) -> str:
    """A record as `mtlkit predict` writes it, without the end of the line."""
    return visible(json.dumps(record, ensure_ascii=False))


def tasks_asked(archive: Archive, tasks: Sequence[str]) -> list[str]:
    """The tasks whose heads are to answer: the given ones, or all tasks of the archive if none is given.

    Raises:
        ConfigError: the archive has no such task.
    """
    known = list(archive.experiment.tasks)
    if unknown := [name for name in tasks if name not in known]:
        raise ConfigError(f"--task {unknown[0]}: the archive's tasks are {', '.join(known)}")
    return list(dict.fromkeys(tasks)) or known


class TextToAnswer(NamedTuple):
    """A text to answer."""

    instance: Instance
    """The words that the model sees, and the target."""
    num_words: int
    """The number of words of the whole text."""


def read_text(
    reader: DatasetReader, raw: Raw | Instance, max_length: int | None, longest: int = LONGEST_ANSWERED
) -> TextToAnswer:
    """Reads a raw text as the task's reader reads those of its files, cut to the words that the model may see.

    A byte order mark at its start is not part of the text.

    Args:
        reader: the reader of the task.
        raw: the text, or one that a reader has read.
        max_length: the number of words to which texts of the task are cut.
        longest: the largest number of words of a text if `max_length` is None.

    Raises:
        DataError: the reader cannot read the text, or it is too long.
    """
    if isinstance(raw, WithId):
        raw = raw.text
    if isinstance(raw, str):
        raw = raw.lstrip(BYTE_ORDER_MARK)
    instance = raw if isinstance(raw, Instance) else reader.parse(raw)
    words, target = instance.words, instance.target
    if max_length is None and len(words) > longest:
        raise DataError(
            f"the text has {len(words):,} words, and may have {longest:,}, since the task has no max_length; split the "
            "text, or shorten it"
        )
    target = target[:max_length] if isinstance(target, tuple) else target
    return TextToAnswer(Instance(words[:max_length], target), len(words))


def fields_to_return(reader: DatasetReader, raw: object) -> dict[str, Any]:
    """The fields of an input that come back with the answer to it."""
    if isinstance(raw, WithId):
        return {"id": raw.id}
    if not isinstance(raw, Mapping):
        return {}
    fields = reader.unused_fields(raw)
    named_alike = {name: value for name, value in fields.items() if name in OF_ANSWERS}
    others = {name: value for name, value in fields.items() if name not in OF_ANSWERS}
    return others | ({"input": named_alike} if named_alike else {})


def _num_characters(numbered: Numbered) -> int:
    """Returns the size of an input: what is kept of it until it is answered."""
    match numbered[1]:
        case str() as text:
            return len(text)
        case WithId(name, text):
            return len(name) + len(text)
        case Instance(words=words):
            return sum(map(len, words))
        case Mapping() as fields:  # other fields than the text come back in the record
            try:
                return len(repr(fields))
            except RecursionError:
                return MOST_CHARACTERS
        case _:
            return 0


def _answer(
    archive: Archive, window: Sequence[Numbered], task: str, reader: DatasetReader, batch_size: int
) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    good: list[tuple[dict[str, Any], Instance]] = []
    max_length = archive.experiment.tasks[task].max_length
    for number, raw, place in window:
        record: dict[str, Any] = {"task": task, "number": number, **fields_to_return(reader, raw)}
        records.append(record)
        try:
            if isinstance(raw, DataError):
                raise raw
            assert not isinstance(raw, Skipped), "those have no record"
            instance, num_words = read_text(reader, raw, max_length)
        except DataError as error:
            record["error"] = f"{place}: {error}"
        else:
            record["words"] = list(instance.words)
            if num_words > len(instance.words):
                record["cut"] = num_words
            good.append((record, instance))
    for group in _batches(good, batch_size):
        corpus = Corpus.from_instances([Instance(instance.words) for _, instance in group], reader.target_kind)
        for (record, instance), decision in zip(group, _decide(archive, task, corpus), strict=True):
            record.update(decision)
            if instance.target is not None:
                record["target"] = instance.target
    return records


def _batches(
    texts: list[tuple[dict[str, Any], Instance]], batch_size: int
) -> Iterator[list[tuple[dict[str, Any], Instance]]]:
    """Splits texts into batches of like lengths that fit in memory. What fits in one batch keeps its order."""
    if not texts:
        return
    longest = max(len(instance.words) for _, instance in texts)
    if len(texts) <= batch_size and longest * len(texts) <= MOST_WORDS:
        yield texts
        return
    lengths = torch.tensor([len(instance.words) for _, instance in texts])
    for places in bucketed_order(lengths, batch_size, None, MOST_WORDS):
        yield [texts[place] for place in places.tolist()]


def _decide(archive: Archive, task: str, corpus: Corpus) -> list[dict[str, Any]]:
    model = archive.model_for(task)
    with (
        torch.inference_mode(),
        autocast(archive.device, archive.precision),
        answering(corpus, "or a smaller --batch-size"),
    ):
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
