"""Share of words with the right tag."""

from typing import ClassVar, final

import numpy

from mtlkit.data.instance import Target, TargetKind
from mtlkit.metrics.additive_metric import AdditiveMetric, Counts
from mtlkit.metrics.metric import Metric


@final
@Metric.register("token_accuracy")
class TokenAccuracy(AdditiveMetric):
    """The share of words whose tag is right, over all texts: a long text weighs more than a short one."""

    target_kind: ClassVar[TargetKind] = "tags"
    headline: ClassVar[str] = "token_accuracy"
    counted: ClassVar[tuple[str, ...]] = ("right", "words")

    def counts(self, predicted: Target, gold: Target) -> tuple[int, int]:
        return sum(tag == right for tag, right in zip(predicted, gold, strict=True)), len(gold)

    def scores(self, sums: Counts) -> dict[str, Counts]:
        right, words = sums
        return {"token_accuracy": right / numpy.maximum(words, 1)}
