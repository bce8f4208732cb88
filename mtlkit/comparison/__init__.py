"""Comparing runs: mean figures of systems over seeds, gains with intervals, tables, and the differences of two runs."""

from mtlkit.comparison.asking import compare_runs
from mtlkit.comparison.bootstrap import Interval, Stratum, interval, resampled_scores
from mtlkit.comparison.compare import Comparison, Question, Result, compare
from mtlkit.comparison.records import RunRecord, System, read_record, systems_of

__all__ = [
    "Comparison",
    "Interval",
    "Question",
    "Result",
    "RunRecord",
    "Stratum",
    "System",
    "compare",
    "compare_runs",
    "interval",
    "read_record",
    "resampled_scores",
    "systems_of",
]
