"""The input of `predict`, lines of text or of JSON, and its answers to them as they arrive."""

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import torch

from mtlkit.archive import open_archive
from mtlkit.data.lines import bounded_lines, what_is_wrong
from mtlkit.errors import DataError
from mtlkit.plugins import Plugin
from mtlkit.runs.directory import archive_path
from mtlkit.runs.predict import Input, predict_inputs, tasks_asked
from mtlkit.types import Say, silent

STANDARD_INPUT = "-"
LINES_OF_FILE, LINES_OF_STANDARD_INPUT = 64, 1
"""The default number of lines that are read before answers are given."""


@contextmanager
def open_answers(
    archive: Path,
    source: str,
    tasks: Sequence[str] = (),
    *,
    jsonl: bool = False,
    batch_size: int | None = None,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    say: Say = silent,
) -> Iterator[Iterator[dict[str, Any]]]:
    """Opens an archive and a file, and gives an iterator of the records of `mtlkit predict`; see `predict_inputs`.

    Args:
        archive: the path of an archive.tar.gz, or of the directory of a run.
        source: a file with one text per line, or `-` for standard input.
        tasks: the tasks whose heads answer; empty for all tasks of the archive.
        jsonl: whether lines are JSON objects; lines of a .jsonl file always are.
        batch_size: the number of lines read before answers are given; None for 64 of a file, or 1 of standard input.
        device: the device of the model.
        plugins: the plugins that were imported.
        say: receives a warning if lines seem to begin with a label.

    Raises:
        ConfigError, ArchiveError, DataError: the archive or the file cannot be read, or there is no such task. These
            are raised on entering the block, before any output is opened inside it.
    """
    size = batch_size or (LINES_OF_STANDARD_INPUT if source == STANDARD_INPUT else LINES_OF_FILE)
    with open_inputs(source, jsonl) as lines, open_archive(archive_path(archive), device, plugins) as opened:
        asked = tasks_asked(opened, tasks)
        labels = {label for name in opened.experiment.tasks for label in opened.labels_in_files(name)}
        yield predict_inputs(opened, noting_labels(lines, labels, say), asked, size)


@contextmanager
def open_inputs(source: str, jsonl: bool) -> Iterator[Iterator[Input]]:
    """Gives an iterator of the lines of a file or of standard input (`-`), as they arrive; lines end at LF only.

    Raises:
        DataError: the file is missing or unreadable.
    """
    name = "standard input" if source == STANDARD_INPUT else source
    try:
        opened = _open(source)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}); check the path") from None
    with opened as stream:
        yield _read(stream, name, jsonl or source.endswith(".jsonl"))


def noting_labels(lines: Iterable[Input], labels: Collection[str], say: Say) -> Iterator[Input]:
    """Yields the lines unchanged, and warns once if they seem to begin with one of these labels and a TAB."""
    has_said = False
    for raw, place in lines:
        if not has_said and isinstance(raw, str) and "\t" in raw and raw.partition("\t")[0] in labels:
            has_said = True
            remedy = "cut the labels off, or score such a file by mtlkit evaluate ARCHIVE --task TASK --file FILE"
            say(f"{place}: looks like LABEL<TAB>TEXT, but the whole line is taken for the text; {remedy}")
        yield raw, place


def _open(source: str) -> AbstractContextManager[BinaryIO]:
    if source != STANDARD_INPUT:
        return Path(source).open("rb")
    if sys.stdin is None:
        raise DataError("standard input: is closed; give it lines, or name a file")
    return nullcontext(sys.stdin.buffer)


def _read(stream: BinaryIO, name: str, as_json: bool) -> Iterator[Input]:
    try:
        for number, line in enumerate(bounded_lines(stream), 1):
            wrong = what_is_wrong(line)
            yield DataError(wrong) if wrong else _parse(line.rstrip(b"\r\n"), as_json), f"{name}:{number}"
    except OSError as error:
        raise DataError(f"{name}: cannot be read on ({error.strerror}); mend or copy the file") from None


def _parse(line: bytes, as_json: bool) -> str | dict[str, object] | DataError:
    try:
        text = line.decode("utf-8")
        if not as_json:
            return text
        value = json.loads(text)
    except UnicodeDecodeError:
        return DataError("not UTF-8; convert the input to UTF-8")
    except (ValueError, RecursionError) as error:
        return DataError(f"not valid JSON ({error})")
    return value if isinstance(value, dict) else DataError('not a JSON object; write {"text": ...}')
