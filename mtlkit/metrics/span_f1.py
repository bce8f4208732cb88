"""F1 over labelled spans, by the rules of conlleval."""

from collections.abc import Iterable
from typing import ClassVar, final

import numpy

from mtlkit.data.instance import Target, TargetKind
from mtlkit.metrics.additive_metric import AdditiveMetric, Counts
from mtlkit.metrics.metric import Metric

Span = tuple[str, int, int]
"""Type, first word, and the word after the last."""


@final
@Metric.register("span_f1")
class SpanF1(AdditiveMetric):
    """Micro-averaged F1, precision and recall of spans; a span is right if its type and both ends are.

    Source: the script conlleval of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz 2000), for BIO tags.
    """

    target_kind: ClassVar[TargetKind] = "tags"
    headline: ClassVar[str] = "f1"
    counted: ClassVar[tuple[str, ...]] = ("right", "predicted", "gold")

    def counts(self, predicted: Target, gold: Target) -> tuple[int, int, int]:
        if len(predicted) != len(gold):
            raise ValueError(f"{len(predicted)} predicted tags for {len(gold)} words")
        found, wanted = set(spans(predicted)), set(spans(gold))
        return len(found & wanted), len(found), len(wanted)

    def scores(self, sums: Counts) -> dict[str, Counts]:
        right, predicted, gold = sums
        return {
            "f1": 2 * right / numpy.maximum(predicted + gold, 1),
            "precision": right / numpy.maximum(predicted, 1),
            "recall": right / numpy.maximum(gold, 1),
        }


def spans(tags: Iterable[str]) -> list[Span]:
    """The spans of a BIO sequence, well-formed or not, in order.

    As in conlleval, `I-x` that does not continue a span of type x begins one; a tag other than `B-x` and `I-x`
    stands outside all spans.
    """
    found: list[Span] = []
    opened: tuple[str, int] | None = None
    for position, tag in enumerate((*tags, "O")):
        prefix, _, kind = tag.partition("-")
        if opened and prefix == "I" and kind == opened[0]:
            continue
        if opened:
            found.append((*opened, position))
        opened = (kind, position) if prefix in ("B", "I") else None
    return found
