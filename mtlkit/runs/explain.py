"""`explain`: answers of an archive to raw texts, each with what was shared between tasks to reach it.

Shapes: B texts, T words, N sources.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

import torch
from torch import Tensor

from mtlkit.archive import Archive, open_archive
from mtlkit.data import Corpus, DatasetReader, Instance
from mtlkit.data.formats import recognize
from mtlkit.data.limits import LONGEST_EXPLAINED
from mtlkit.data.normalization import normalized
from mtlkit.errors import ArchiveError, ConfigError, DataError
from mtlkit.kernels.postponing import Postponed
from mtlkit.plugins import Plugin
from mtlkit.runs.directory import archive_path
from mtlkit.runs.input_formats import targets_in_files
from mtlkit.runs.input_lines import json_object
from mtlkit.runs.predict import (
    NO_NUMBER,
    Raw,
    answering,
    as_batch,
    decisions_of,
    fields_to_return,
    read_text,
    tasks_asked,
)
from mtlkit.sharing import GuessTrace, MixtureTrace, PathTrace, Trace, WordTrace
from mtlkit.sharing.explanations import Explanation, Guess, Mixture, PathStep, PathTaken, Reading, SharedWith
from mtlkit.training.precision import autocast
from mtlkit.types import Say, silent


def explain(archive: Archive, texts: Sequence[Raw], task: str) -> list[Explanation]:
    """Explains the answer to each text, in order.

    Args:
        archive: the trained model.
        texts: one or more texts, each a string or a JSON object, which are computed as one batch.
        task: the task of the archive whose head answers.

    Raises:
        ArchiveError: the weights or the task's reader are damaged, or the model computes values that are not finite.
        DataError: the task's reader cannot read one of the texts.
        ConfigError: the sharing scheme does not report what it shares.
        OutOfMemoryError: the batch does not fit in memory.
    """
    model, reader = archive.model_for(task), archive.reader_for(task)
    instances = _read(reader, texts, archive.experiment.tasks[task].max_length)
    corpus = Corpus.from_instances(instances, reader.target_kind)
    with (
        torch.inference_mode(),
        autocast(archive.device, archive.precision),
        answering(corpus, "or fewer at a time"),
    ):
        decoded, trace = model.decode_with_trace(as_batch(archive, task, corpus))
    if trace is None:
        raise ConfigError(
            f"{archive.path}: the sharing scheme '{archive.experiment.model.sharing.type}' tells nothing of what it "
            "shares for a text, so there is nothing to explain; mtlkit predict gives its answers"
        )
    explanations = []
    decisions = decisions_of(decoded, archive.vocabulary.labels(task))
    for row, (instance, decision) in enumerate(zip(instances, decisions, strict=True)):
        try:
            shared = _shared_with(trace, row, instance.words)
        except FloatingPointError:
            decision = {"error": NO_NUMBER}
        if "error" in decision:
            raise ArchiveError(f"{archive.path}: text {row + 1}: {decision['error']}")
        tags = tuple(decision["tags"]) if "tags" in decision else None
        label, probability = decision.get("label"), decision.get("probability")
        fields = fields_to_return(reader, texts[row])
        explanations.append(Explanation(task, instance.words, shared, label, probability, tags, row + 1, fields))
    return explanations


def explain_texts(
    archive: Path,
    texts: Sequence[str],
    tasks: Sequence[str] = (),
    *,
    device: torch.device,
    plugins: Sequence[Plugin],
    jsonl: bool = False,
    say: Say = silent,
) -> list[Explanation]:
    """Opens an archive and explains the answer of each task to each text, task after task.

    Args:
        archive: the path of an archive.tar.gz, or of the directory of a run.
        texts: raw texts.
        tasks: the tasks whose heads answer; may be empty if the archive has only one.
        device: the device of the model.
        plugins: the plugins that were imported.
        jsonl: whether each text is written as a JSON object, with the fields that the task's reader reads.
        say: receives a line about a text that looks like a line of a data file, and before compiled kernels are built.

    Raises:
        ConfigError: there are no texts or no such task, or the archive has several tasks and none is given; also as for
            `explain`.
        ArchiveError, DataError, OutOfMemoryError: as for `explain`.
    """
    if not texts:
        raise ConfigError("there is no text; give at least one, in quotes, after the archive")
    with open_archive(archive_path(archive), device, plugins, Postponed(say)) as opened:
        asked = tasks_asked(opened, tasks)
        if not tasks and len(asked) > 1:
            raise ConfigError(f"--task is not given; the archive's tasks are {', '.join(asked)}")
        if not jsonl:
            _say_what_looks_like_data(opened, texts, asked, say)
        raw: Sequence[Raw] = [_object(text, number) for number, text in enumerate(texts, 1)] if jsonl else texts
        return [each for task in asked for each in explain(opened, raw, task)]


def _object(text: str, number: int) -> Raw:
    found = json_object(text)
    if isinstance(found, DataError):
        raise DataError(f"text {number}: {found}")
    return found


def _say_what_looks_like_data(archive: Archive, texts: Sequence[str], tasks: Sequence[str], say: Say) -> None:
    targets = targets_in_files(archive, {task: archive.reader_for(task) for task in tasks})
    for number, text in enumerate(texts, 1):
        found = recognize([normalized(text, archive.experiment.normalization)], *targets)
        if found is not None:
            remedy = "give --jsonl" if found.format == "json_lines" else "give the text alone"
            say(f"text {number}: looks like {found.what}, but the whole line is taken as the text; {remedy}")


def _read(reader: DatasetReader, texts: Sequence[Raw], max_length: int | None) -> list[Instance]:
    instances = []
    for number, text in enumerate(texts, 1):
        try:
            instances.append(Instance(read_text(reader, text, max_length, LONGEST_EXPLAINED).instance.words))
        except DataError as error:
            raise DataError(f"text {number}: {error}") from None
    return instances


def _shared_with(trace: Trace, row: int, words: tuple[str, ...]) -> SharedWith:
    """The trace of one text, taken from row `row` of a batch's trace, without padding."""
    match trace:
        case WordTrace():
            return reading_of(trace, row, words)
        case PathTrace():
            return _path(trace)
        case MixtureTrace():
            return Mixture(trace.tasks, _rows(trace.weights_LK))
        case GuessTrace():
            return Guess(trace.tasks, _rows(trace.probabilities_BK[row : row + 1])[0])
        case _:
            assert_never(trace)


def reading_of(trace: WordTrace, row: int, words: tuple[str, ...]) -> Reading:
    """What the words of one text read, taken from row `row` of a batch's trace, without padding.

    Raises:
        FloatingPointError: a weight or gate is not finite.
    """
    backward = None if trace.backward_BTN is None else _weights(trace, trace.backward_BTN[row], len(words))
    gates = (
        None if gates_BT is None else _rows(gates_BT[row : row + 1, : len(words)])[0]
        for gates_BT in (trace.gates_BT, trace.backward_gates_BT)
    )
    return Reading(words, trace.senders, _weights(trace, trace.weights_BTN[row], len(words)), backward, *gates)


def _weights(trace: WordTrace, weights_TN: Tensor, num_words: int) -> tuple[tuple[float, ...], ...]:
    num_sources = num_words if trace.senders is None else len(trace.senders)
    return _rows(weights_TN[:num_words, :num_sources])


def _path(trace: PathTrace) -> PathTaken:
    if trace.policy_SA is None:
        return PathTaken(tuple(PathStep(module, None) for module in trace.modules))
    policy = _rows(trace.policy_SA)
    actions = [*trace.modules, None][: len(policy)]
    return PathTaken(
        tuple(PathStep(module, probabilities) for module, probabilities in zip(actions, policy, strict=True))
    )


def _rows(matrix: Tensor) -> tuple[tuple[float, ...], ...]:
    if not matrix.isfinite().all():
        raise FloatingPointError
    return tuple(map(tuple, matrix.tolist()))
