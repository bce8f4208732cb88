"""Files of predictions: a run's answer to each text, with which runs can be compared text by text.

FOLDER/SPLIT/TASK.jsonl.gz, JSON lines. The first says what the file is about: task, split, metrics, and what stands for
the texts. One for each text follows, in the order of the data: `gold` (null where there is none), `predicted` and, on
test data, `clean`: whether the text is in no train or dev data. The texts themselves are not in it.
"""

import gzip
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from mtlkit.archive.members import FREE_BYTES, MAX_EXPANSION
from mtlkit.config import Lazy, Spec, validate
from mtlkit.data import Target
from mtlkit.errors import RunError
from mtlkit.files import make_folder, open_regular, write_atomically
from mtlkit.metrics import Metric
from mtlkit.training import Predictions

ENDING = ".jsonl.gz"
LONGEST_LINE, LARGEST_UNPACKED = 16 * 2**20, 2**30
"""The maximum number of bytes of a line, and of all lines of a file. Beyond the first `FREE_BYTES`, a file may
also hold only `MAX_EXPANSION` times its own size: a small one that unpacks to more takes minutes and gigabytes.
"""


class Header(Spec):
    """The first line of a file of predictions."""

    task: str
    split: str
    texts: str
    metrics: list[Lazy[Metric]]


def write_predictions(folder: Path, by_split: Mapping[str, Sequence[Predictions]]) -> None:
    """Writes a file for each task and split, each atomically. Equal predictions give equal bytes."""
    for split, tasks in by_split.items():
        make_folder(folder / split)
        for predictions in tasks:
            file = folder / split / f"{predictions.task}{ENDING}"
            write_atomically(file, gzip.compress(_lines(split, predictions), mtime=0))


def remove_predictions(folder: Path) -> None:
    """Removes the files of predictions in a folder, and nothing else. Raises OSError if one cannot be removed."""
    for file in folder.glob(f"*/*{ENDING}"):
        file.unlink()


def predicted_tasks(folder: Path, split: str) -> dict[str, Path]:
    """The files of predictions for a split that exist in a folder, by task."""
    return {file.name.removesuffix(ENDING): file for file in sorted((folder / split).glob(f"*{ENDING}"))}


def read_predictions(file: Path) -> Predictions:
    """Reads a file that `write_predictions` wrote.

    It is unpacked line by line and only up to a limit, since a few kilobytes may unpack to any size.

    Raises:
        RunError: the file is missing or damaged.
        UnknownComponentError: the file names a metric of a plugin that is not installed.
    """
    try:
        with open_regular(file) as packed, gzip.GzipFile(fileobj=packed) as lines:
            first = json.loads(lines.readline(LONGEST_LINE))
            most = min(LARGEST_UNPACKED, FREE_BYTES + MAX_EXPANSION * os.fstat(packed.fileno()).st_size)
            answers = [_answer(line) for line in _bounded(lines, most)]
        if len({answer.clean is None for answer in answers}) > 1 or not isinstance(first, dict):
            raise ValueError
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError):
        raise RunError(
            f"{file}: missing or damaged; mtlkit evaluate ARCHIVE --predictions DIR writes it again"
        ) from None
    header = validate(Header, first, str(file))
    clean = [answer.clean for answer in answers if answer.clean is not None]
    return Predictions(
        header.task,
        header.texts,
        [answer.predicted for answer in answers],
        [answer.gold for answer in answers],
        header.metrics,
        numpy.array(clean, bool) if clean else None,
    )


class _Answer(NamedTuple):
    gold: Target | None
    predicted: Target
    clean: bool | None


def _bounded(lines: gzip.GzipFile, most: int) -> Iterator[bytes]:
    """Yields lines of at most so many bytes. Raises ValueError if one of them, or all of them, are too long."""
    left = most
    while line := lines.readline(LONGEST_LINE):
        left -= len(line)
        if left < 0 or (len(line) == LONGEST_LINE and not line.endswith(b"\n")):
            raise ValueError
        yield line


def _answer(line: bytes) -> _Answer:
    found = json.loads(line)
    gold, predicted, clean = found["gold"], _target(found["predicted"]), found.get("clean")
    if not isinstance(clean, bool | None):
        raise TypeError
    return _Answer(None if gold is None else _target(gold), predicted, clean)


def _lines(split: str, predictions: Predictions) -> bytes:
    header = Header(task=predictions.task, split=split, texts=predictions.texts, metrics=list(predictions.metrics))
    records: list[dict[str, Any]] = [header.model_dump(mode="json")]
    for place, (gold, predicted) in enumerate(zip(predictions.gold, predictions.predicted, strict=True)):
        clean = {} if predictions.clean is None else {"clean": bool(predictions.clean[place])}
        records.append({"gold": gold, "predicted": predicted, **clean})
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()


def _target(value: Any) -> Target:
    """A target as read from JSON: a label, or a tuple of tags, which JSON has as a list. Raises TypeError for anything
    else.
    """
    labels = value if isinstance(value, list) else [value]
    if not all(isinstance(label, str) for label in labels):
        raise TypeError
    # There are few labels and many texts.
    return tuple(map(sys.intern, labels)) if isinstance(value, list) else sys.intern(value)
