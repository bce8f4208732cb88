"""What collect.py keeps of a run's answers to single test texts: enough to resample the texts, in a few kilobytes.

By task: `texts`, the digest of the test texts as the run read them; `size`, how many of them have a target; `clean`,
a bit for each of these, or null where all are clean; and for each of the task's metrics its settings and, in the order
of the texts, what it counts in each of them, such as right answers, or spans found. Neither texts nor targets can be
recovered from it. Bits are packed and counts are unsigned 16-bit little-endian integers, compressed by zlib; both
are in base64.

Shapes: n texts with a target, C counts.
"""

import zlib
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from mtlkit.comparison import read_record
from mtlkit.comparison.answers import command_for_answers, own_answers, read_answers, strange_answers
from mtlkit.config import Lazy, Spec, validate
from mtlkit.errors import RunError
from mtlkit.metrics import AdditiveMetric, Metric
from mtlkit.training import Predictions

MOST = 2**16 - 1


class _Counted(Spec):
    metric: Lazy[Metric]
    counts: str


class _Kept(Spec):
    texts: str
    size: int
    clean: str | None
    metrics: list[_Counted]


@dataclass(frozen=True)
class CountedAnswers:
    """One run's answers to the n test texts of a task that have a target, as a metric counts them."""

    texts: str
    metric: AdditiveMetric
    counts_nC: NDArray[numpy.float64]
    clean: NDArray[numpy.bool_]
    """(n,) which texts occur in no train or dev data."""

    def figure(self, score: str, *, clean: bool = False) -> float:
        """A score of the metric on all texts, or on the clean ones."""
        counts_nC = self.counts_nC[self.clean] if clean else self.counts_nC
        return float(self.metric.scores(counts_nC.sum(axis=0))[score])


def kept_answers(run: Path) -> dict[str, Any]:
    """What to keep of a finished run's answers to its own test texts; nothing where it has written none.

    Raises:
        RunError: they are damaged, or come to other figures than the run's own.
    """
    record = read_record(run)
    answers, _ = own_answers([record], read_answers([record], "test"), "test", anyway=True)
    if strange := strange_answers([record], answers, "test"):
        raise RunError(f"{strange[0]}; write them again by {command_for_answers(record, 'test')}")
    return {task: _packed(predictions) for task, predictions in answers[record.path].items()}


def answers_of(file: Path, kept: Mapping[str, Any], task: str, score: str) -> CountedAnswers | None:
    """The answers of a collected run to a task's test texts, as the metric with this score counts them.

    Args:
        file: where they are from, for the error.
        kept: what `kept_answers` returned.
        task: the task.
        score: a key of the metric's `compute`, such as f1.

    Returns:
        The answers; None where none were kept, or by another metric.

    Raises:
        RunError: they are damaged.
        ConfigError: likewise.
    """
    if task not in kept:
        return None
    found = validate(_Kept, kept[task], f"{file}: answers.{task}")
    for counted in found.metrics:
        metric = counted.metric.build()
        if isinstance(metric, AdditiveMetric) and score in metric.compute():
            try:
                counts_nC = _counts(counted.counts, found.size, len(metric.counted))
                clean = _bits(found.clean, found.size)
            except (Error, ValueError, zlib.error):
                raise RunError(f"{file}: answers.{task}: is damaged; collect the run again") from None
            return CountedAnswers(found.texts, metric, counts_nC, clean)
    return None


def _packed(predictions: Predictions) -> dict[str, Any]:
    pairs = zip(predictions.predicted, predictions.gold, strict=True)
    answered = [(answer, truth) for answer, truth in pairs if truth is not None]
    clean = None
    if predictions.clean is not None and not predictions.clean.all():
        scored = numpy.array([truth is not None for truth in predictions.gold], bool)
        clean = b64encode(numpy.packbits(predictions.clean[scored]).tobytes()).decode()
    counted = []
    for lazy in predictions.metrics:
        metric = lazy.build()
        if isinstance(metric, AdditiveMetric) and answered:
            counts = _text([metric.counts(*pair) for pair in answered])
            counted += [] if counts is None else [_Counted(metric=lazy, counts=counts)]
    kept = _Kept(texts=predictions.texts, size=len(answered), clean=clean, metrics=counted)
    return kept.model_dump(mode="json")


def _text(counts: Sequence[Sequence[float]]) -> str | None:
    """None for counts that 16 bits do not hold, such as those of a plugin's metric that weights its events."""
    counts_nC = numpy.array(counts)
    if not ((counts_nC >= 0) & (counts_nC <= MOST) & (counts_nC == counts_nC.round())).all():
        return None
    return b64encode(zlib.compress(counts_nC.astype("<u2").tobytes(), 9)).decode()


def _counts(text: str, size: int, counted: int) -> NDArray[numpy.float64]:
    length = 2 * size * counted
    data = zlib.decompressobj().decompress(b64decode(text, validate=True), length + 1)
    if len(data) != length:
        raise ValueError
    return numpy.frombuffer(data, "<u2").reshape(size, counted).astype(numpy.float64)


def _bits(text: str | None, size: int) -> NDArray[numpy.bool_]:
    if text is None:
        return numpy.ones(size, bool)
    packed = numpy.frombuffer(b64decode(text, validate=True), numpy.uint8)
    if len(packed) != (size + 7) // 8:
        raise ValueError
    return numpy.unpackbits(packed, count=size).astype(bool)
