"""What the folds of a transfer came to, task by task, beside a baseline."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from mtlkit.experiment import Experiment
from mtlkit.figures import AVERAGE, Figure, counted
from mtlkit.files import write_atomically
from mtlkit.tables import Table, markdown_lines

HEADER = ("task", "test", "clean test")
COMPARED = ("baseline", "gain", "clean baseline", "clean gain")
"""More of the header, where there is a baseline."""


@dataclass(frozen=True)
class TransferRow:
    """The figures of a task that was left out, or averages over all of them."""

    metric: str
    """The headline of the task."""
    test: float | None
    clean_test: float | None
    """On the test texts that occur in no training or dev data of any task."""
    baseline: float | None
    clean_baseline: float | None
    gain: float | None
    clean_gain: float | None

    def cells(self) -> list[str]:
        """In percent, with gains in points, in the order of the header."""
        gain, clean_gain = ("" if each is None else f"{100 * each:+.2f}" for each in (self.gain, self.clean_gain))
        shares = (self.test, self.clean_test, self.baseline, self.clean_baseline)
        test, clean_test, baseline, clean_baseline = ("" if each is None else f"{each:.2%}" for each in shares)
        return [test, clean_test, baseline, gain, clean_baseline, clean_gain]


@dataclass(frozen=True)
class TransferTable:
    """The rows by task, and the averages by metric."""

    tasks: dict[str, TransferRow]
    averages: dict[str, TransferRow]

    @property
    def header(self) -> tuple[str, ...]:
        """What the columns are."""
        compared = any(row.baseline is not None for row in self.tasks.values())
        return (*HEADER, *COMPARED) if compared else HEADER

    @property
    def lines(self) -> list[list[str]]:
        """All rows as text, the averages last."""
        several = len(self.averages) > 1
        averages = {f"{AVERAGE} {metric}" if several else AVERAGE: row for metric, row in self.averages.items()}
        return [[name, *row.cells()][: len(self.header)] for name, row in {**self.tasks, **averages}.items()]

    def write(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Writes `transfer.json`, with figures as shares of 1 and what there is to say about them, and
        `transfer.md`."""
        value = json.dumps({**about, **asdict(self)}, indent=2) + "\n"
        write_atomically(directory / "transfer.json", value.encode())
        page = markdown_lines(Table.of("transfer", self.header, self.lines))
        write_atomically(directory / "transfer.md", ("\n".join(page) + "\n").encode())


def transfer_table(
    experiment: Experiment, metrics: Mapping[str, Mapping[str, Any]], baseline: Mapping[str, float] | None = None
) -> TransferTable:
    """The table of the folds that are given.

    Args:
        experiment: that the folds were made of.
        metrics: what each fold's `metrics.json` holds, by the task that was left out.
        baseline: test figures, `task/metric`, of another way to learn these tasks.
    """
    headlines = {task: experiment.tasks[task].headline for task in metrics}
    figures = {name: value for fold in metrics.values() for name, value in fold["test"].items()}
    by_metric = {
        metric: [task for task, own in headlines.items() if own == metric]
        for metric in dict.fromkeys(headlines.values())
    }
    others = baseline or {}
    return TransferTable(
        {task: _row([task], metric, figures, others) for task, metric in headlines.items()},
        {metric: _row(tasks, metric, figures, others) for metric, tasks in by_metric.items() if len(tasks) > 1},
    )


def _row(tasks: Sequence[str], metric: str, figures: Mapping[str, float], baseline: Mapping[str, float]) -> TransferRow:
    """The row of one task, or of several on average."""
    (test, clean_test), (other, clean_other) = (
        [_mean(tasks, metric, clean, found) for clean in (False, True)] for found in (figures, baseline)
    )
    gain, clean_gain = (
        None if left is None or right is None else left - right
        for left, right in ((test, other), (clean_test, clean_other))
    )
    return TransferRow(metric, test, clean_test, other, clean_other, gain, clean_gain)


def _mean(tasks: Sequence[str], metric: str, clean: bool, figures: Mapping[str, float]) -> float | None:
    """The mean over the tasks that have a part in it; None where none has."""
    known = [value for task in tasks if (value := counted(figures, Figure(task, metric, clean))) is not None]
    return fmean(known) if known else None
