"""Share of words with the right tag."""

from collections.abc import Sequence
from typing import ClassVar, final

from mtlkit.data.instance import Target, TargetKind
from mtlkit.metrics.metric import Metric


@final
@Metric.register("token_accuracy")
class TokenAccuracy(Metric):
    """The share of words whose tag is right, over all texts: a long text weighs more than a short one."""

    target_kind: ClassVar[TargetKind] = "tags"
    headline: ClassVar[str] = "token_accuracy"

    def __init__(self) -> None:
        self.num_right = 0
        self.num_seen = 0

    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        for answer, truth in zip(predicted, gold, strict=True):
            self.num_right += sum(tag == right for tag, right in zip(answer, truth, strict=True))
            self.num_seen += len(truth)

    def compute(self) -> dict[str, float]:
        return {"token_accuracy": self.num_right / max(self.num_seen, 1)}
