"""Files of predictions: a run's answer to each text, with which runs can be compared text by text.

FOLDER/SPLIT/TASK.jsonl.gz, JSON lines. The first says what the file is about: task, split, metrics, and what stands for
the texts. One for each text follows, in the order of the data: `gold` (null where there is none), `predicted` and, on
test data, `clean`: whether the text is in no train or dev data. The texts themselves are not in it.
"""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from mtlkit.config import Lazy, Spec, validate
from mtlkit.errors import RunError
from mtlkit.files import write_atomically
from mtlkit.metrics import Metric
from mtlkit.training import Predictions

ENDING = ".jsonl.gz"


class Header(Spec):
    """The first line of a file of predictions."""

    task: str
    split: str
    texts: str
    metrics: list[Lazy[Metric]]


def write_predictions(folder: Path, by_split: Mapping[str, Sequence[Predictions]]) -> None:
    """Writes a file for each task and split, each atomically. Equal predictions give equal bytes."""
    for split, tasks in by_split.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        for predictions in tasks:
            file = folder / split / f"{predictions.task}{ENDING}"
            write_atomically(file, gzip.compress(_lines(split, predictions), mtime=0))


def predicted_tasks(folder: Path, split: str) -> dict[str, Path]:
    """The files of predictions for a split that exist in a folder, by task."""
    return {file.name.removesuffix(ENDING): file for file in sorted((folder / split).glob(f"*{ENDING}"))}


def read_predictions(file: Path) -> Predictions:
    """Reads a file that `write_predictions` wrote.

    Raises:
        RunError: the file is missing or damaged.
        UnknownComponentError: the file names a metric of a plugin that is not installed.
    """
    try:
        first, *rest = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
        gold, predicted = ([_target(line[key]) for line in rest] for key in ("gold", "predicted"))
        clean = numpy.array([line["clean"] for line in rest], bool) if rest and "clean" in rest[0] else None
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError):
        raise RunError(
            f"{file}: missing or damaged; mtlkit evaluate ARCHIVE --predictions DIR writes it again"
        ) from None
    header = validate(Header, first, str(file))
    return Predictions(header.task, header.texts, predicted, gold, header.metrics, clean)


def _lines(split: str, predictions: Predictions) -> bytes:
    header = Header(task=predictions.task, split=split, texts=predictions.texts, metrics=list(predictions.metrics))
    records: list[dict[str, Any]] = [header.model_dump(mode="json")]
    for place, (gold, predicted) in enumerate(zip(predictions.gold, predictions.predicted, strict=True)):
        clean = {} if predictions.clean is None else {"clean": bool(predictions.clean[place])}
        records.append({"gold": gold, "predicted": predicted, **clean})
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()


def _target(value: Any) -> Any:
    """A target as read from JSON: a label, or a tuple of tags, which JSON has as a list."""
    return tuple(value) if isinstance(value, list) else value
