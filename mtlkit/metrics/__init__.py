"""Metrics: scores of predictions against gold targets, without tensors."""

from mtlkit.metrics.accuracy import Accuracy
from mtlkit.metrics.additive_metric import AdditiveMetric
from mtlkit.metrics.metric import Metric
from mtlkit.metrics.span_f1 import SpanF1, spans
from mtlkit.metrics.token_accuracy import TokenAccuracy

__all__ = ["Metric", "AdditiveMetric", "Accuracy", "SpanF1", "TokenAccuracy", "spans"]
