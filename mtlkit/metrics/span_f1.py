"""F1 over labelled spans, by the rules of conlleval."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, final

from mtlkit.data.instance import Target, TargetKind
from mtlkit.metrics.metric import Metric

Span = tuple[str, int, int]
"""Type, first word, and the word after the last."""


@final
@Metric.register("span_f1")
class SpanF1(Metric):
    """Micro-averaged F1, precision and recall of spans; a span is right if its type and both ends are.

    Source: the script conlleval of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz 2000), for BIO tags.
    """

    target_kind: ClassVar[TargetKind] = "tags"
    headline: ClassVar[str] = "f1"

    def __init__(self) -> None:
        self.num_right = 0
        self.num_predicted = 0
        self.num_gold = 0

    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        for answer, truth in zip(predicted, gold, strict=True):
            if len(answer) != len(truth):
                raise ValueError(f"{len(answer)} predicted tags for {len(truth)} words")
            found, wanted = set(spans(answer)), set(spans(truth))
            self.num_right += len(found & wanted)
            self.num_predicted += len(found)
            self.num_gold += len(wanted)

    def compute(self) -> dict[str, float]:
        return {
            "f1": 2 * self.num_right / max(self.num_predicted + self.num_gold, 1),
            "precision": self.num_right / max(self.num_predicted, 1),
            "recall": self.num_right / max(self.num_gold, 1),
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
