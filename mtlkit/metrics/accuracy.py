"""Share of texts with the right label."""

from collections.abc import Sequence
from typing import ClassVar, final

from mtlkit.data.instance import Target, TargetKind
from mtlkit.metrics.metric import Metric


@final
@Metric.register("accuracy")
class Accuracy(Metric):
    """The share of texts whose label is right."""

    target_kind: ClassVar[TargetKind] = "label"
    headline: ClassVar[str] = "accuracy"

    def __init__(self) -> None:
        self.num_right = 0
        self.num_seen = 0

    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        self.num_right += sum(answer == truth for answer, truth in zip(predicted, gold, strict=True))
        self.num_seen += len(gold)

    def compute(self) -> dict[str, float]:
        return {"accuracy": self.num_right / max(self.num_seen, 1)}
