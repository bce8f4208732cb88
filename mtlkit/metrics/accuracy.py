"""Share of texts with the right label."""

from typing import ClassVar, final

import numpy

from mtlkit.data.instance import Target, TargetKind
from mtlkit.metrics.additive_metric import AdditiveMetric, Counts
from mtlkit.metrics.metric import Metric


@final
@Metric.register("accuracy")
class Accuracy(AdditiveMetric):
    """The share of texts whose label is right."""

    target_kind: ClassVar[TargetKind] = "label"
    headline: ClassVar[str] = "accuracy"
    counted: ClassVar[tuple[str, ...]] = ("right", "texts")

    def counts(self, predicted: Target, gold: Target) -> tuple[int, int]:
        return int(predicted == gold), 1

    def scores(self, sums: Counts) -> dict[str, Counts]:
        right, texts = sums
        return {"accuracy": right / numpy.maximum(texts, 1)}
