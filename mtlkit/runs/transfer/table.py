"""The table of a transfer: the test figures of its folds, task by task, beside a baseline."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from mtlkit.experiment import Experiment, headlines_of
from mtlkit.figures import AVERAGE, Figure, counted
from mtlkit.files import write_atomically
from mtlkit.tables import Table, markdown_lines

TABLE_FILE = "transfer.json"
HEADER = ("task", "test", "clean test")
COMPARED = ("baseline", "gain", "clean baseline", "clean gain")
"""Further columns of the header if there is a baseline."""


@dataclass(frozen=True)
class TransferRow:
    """The figures of a task that was left out, or averages over all of them."""

    metric: str
    """The name of the task's headline score."""
    test: float | None
    clean_test: float | None
    """The score on the test texts that occur in no training or dev data of any task; None if it is not known."""
    baseline: float | None
    clean_baseline: float | None
    gain: float | None
    clean_gain: float | None

    def cells(self) -> list[str]:
        """The cells of the row as text, in the order of the header: scores in percent, gains in percentage points."""
        gain, clean_gain = ("" if each is None else f"{100 * each:+.2f}" for each in (self.gain, self.clean_gain))
        shares = (self.test, self.clean_test, self.baseline, self.clean_baseline)
        test, clean_test, baseline, clean_baseline = ("" if each is None else f"{each:.2%}" for each in shares)
        return [test, clean_test, baseline, gain, clean_baseline, clean_gain]


@dataclass(frozen=True)
class TransferTable:
    """The rows of a transfer by task, and the averages by metric."""

    tasks: dict[str, TransferRow]
    averages: dict[str, TransferRow]

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        compared = any(row.baseline is not None for row in self.tasks.values())
        return (*HEADER, *COMPARED) if compared else HEADER

    @property
    def lines(self) -> list[list[str]]:
        """The rows of the table as text, averages last."""
        several = len(self.averages) > 1
        averages = {f"{AVERAGE} {metric}" if several else AVERAGE: row for metric, row in self.averages.items()}
        return [[name, *row.cells()][: len(self.header)] for name, row in {**self.tasks, **averages}.items()]

    def write(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Writes `transfer.json` and `transfer.md` into a directory.

        Args:
            directory: the directory of the transfer.
            about: facts about the figures, which `transfer.json` states beside them. Figures in it are shares of 1.
        """
        value = json.dumps({**about, **asdict(self)}, indent=2) + "\n"
        write_atomically(directory / TABLE_FILE, value.encode())
        page = markdown_lines(Table.of("transfer", self.header, self.lines))
        write_atomically(directory / "transfer.md", ("\n".join(page) + "\n").encode())


def transfer_table(
    experiment: Experiment, metrics: Mapping[str, Mapping[str, Any]], baseline: Mapping[str, float] | None = None
) -> TransferTable:
    """Makes the table of some folds.

    Args:
        experiment: the experiment from which the folds were made.
        metrics: the content of each fold's `metrics.json`, by the task that was left out.
        baseline: test figures (`task/metric`) of another way to learn these tasks.
    """
    headlines = {task: headlines_of(experiment, fold)[task] for task, fold in metrics.items()}
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
    """The row of one task, or of the average over several tasks."""
    (test, clean_test), (other, clean_other) = (
        [_mean(tasks, metric, clean, found) for clean in (False, True)] for found in (figures, baseline)
    )
    gain, clean_gain = (
        None if left is None or right is None else left - right
        for left, right in ((test, other), (clean_test, clean_other))
    )
    return TransferRow(metric, test, clean_test, other, clean_other, gain, clean_gain)


def _mean(tasks: Sequence[str], metric: str, clean: bool, figures: Mapping[str, float]) -> float | None:
    """The mean over the tasks that have this figure; None if no task has it."""
    known = [value for task in tasks if (value := counted(figures, Figure(task, metric, clean))) is not None]
    return fmean(known) if known else None
