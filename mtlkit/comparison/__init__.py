"""Comparing runs: systems over seeds, gains and what is to be thought of them, tables; and what two runs differ in."""

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
