"""Metrics: scores of predictions against gold targets, in plain Python."""

from mtlkit.metrics.accuracy import Accuracy
from mtlkit.metrics.metric import Metric
from mtlkit.metrics.span_f1 import SpanF1, spans
from mtlkit.metrics.token_accuracy import TokenAccuracy

__all__ = ["Metric", "Accuracy", "SpanF1", "TokenAccuracy", "spans"]
