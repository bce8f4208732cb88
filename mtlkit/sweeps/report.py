"""The results of a sweep: a table of its points, and the best one."""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, final

from mtlkit.figures import NOTES
from mtlkit.files import write_atomically
from mtlkit.redaction import redacted_command
from mtlkit.sweeps.outcomes import RunResult
from mtlkit.sweeps.points import Point
from mtlkit.sweeps.sweep import Sweep, SweepRun
from mtlkit.tables import Table, markdown_lines, spread
from mtlkit.text import on_one_line

COLUMNS = ("dev", "test", "clean_test")


@final
@dataclass(frozen=True)
class PointOutcome:
    """A point and the results of its runs.

    Attributes:
        point: the value on each axis.
        runs: the runs of the point, one for each seed.
        finished: the finished runs with their results, in the order of the seeds.
        failed: the runs that failed, with the error of each.
    """

    point: Point
    runs: Sequence[SweepRun]
    finished: Sequence[tuple[SweepRun, RunResult]]
    failed: Sequence[tuple[SweepRun, str]]

    @property
    def is_complete(self) -> bool:
        """Whether every seed has a score. Only then can the point be the best."""
        return len(self.finished) == len(self.runs)

    def values(self, column: str) -> list[float]:
        """The scores of the finished runs in a column of COLUMNS, without runs that have no such data."""
        values = [getattr(result.scores, column) for _, result in self.finished]
        return [value for value in values if value is not None]

    def figure(self, column: str) -> str:
        """Mean and standard deviation of a column over seeds, in percent, as text."""
        values = self.values(column)
        return spread(values) if values else "-"


@final
@dataclass(frozen=True)
class Report:
    """The rows of a sweep, in the order of its points, and how a run is started alone."""

    sweep: Sweep
    rows: Sequence[PointOutcome]
    command: Sequence[str]
    """The arguments of `mtlkit train` for the experiment without any option of the sweep."""

    @property
    def best(self) -> PointOutcome | None:
        """The point with the highest mean on dev data, the first of several; None where no point is complete."""
        complete = [row for row in self.rows if row.is_complete]
        return max(complete, key=lambda row: fmean(row.values("dev")), default=None)

    @property
    def failures(self) -> dict[str, str]:
        """The error of each failed run, by the run's name."""
        return {run.directory.path.name: error for row in self.rows for run, error in row.failed}

    @property
    def changed_data(self) -> list[str]:
        """Data files that changed between runs."""
        seen: dict[str, set[str]] = {}
        for row in self.rows:
            for _, result in row.finished:
                for path, digest in result.data.items():
                    seen.setdefault(path, set()).add(digest)
        return [path for path, digests in seen.items() if len(digests) > 1]

    @property
    def notes(self) -> list[str]:
        """Sentences that a reader of the scores should know."""
        notes = []
        if self.changed_data:
            notes.append(
                f"data changed within the sweep, so its figures do not compare: {', '.join(self.changed_data)}"
            )
        scores = [fmean(row.values("dev")) for row in self.rows if row.is_complete]
        if len(scores) > 1 and len(set(scores)) == 1:
            notes.append(
                f"all {len(scores):,} points have the same score on dev data, which choose none; the first is named"
            )
        return notes

    @property
    def is_over(self) -> bool:
        """Whether every run has finished or failed."""
        return all(len(row.finished) + len(row.failed) == len(row.runs) for row in self.rows)

    def command_of(self, point: Point) -> str:
        """The command that trains a point, with the seed of the experiment."""
        options = [word for option in self.sweep.options(point) for word in option]
        return shlex.join(redacted_command(["mtlkit", "train", *self.command, *options]))

    def header(self) -> list[str]:
        """The column names of the table."""
        return [*(self.sweep.axes or ["point"]), "seeds", "dev", "test", "clean test"]

    def cells(self) -> Iterator[list[str]]:
        """The cells of the table, row by row."""
        for row in self.rows:
            axes = [axis.option(row.point.values[name])[1].partition("=")[2] for name, axis in self.sweep.axes.items()]
            failed = f", {len(row.failed)} failed" if row.failed else ""
            seeds = f"{len(row.finished)}/{len(row.runs)}{failed}"
            yield [*(axes or [row.point.label]), seeds, *map(row.figure, COLUMNS)]

    def write(self) -> None:
        """Writes `results.json` and `sweep.md` into the sweep's directory."""
        content = (json.dumps(self.to_json(), indent=2) + "\n").encode()
        write_atomically(self.sweep.directory / "results.json", content)
        write_atomically(self.sweep.directory / "sweep.md", ("\n".join(self._page()) + "\n").encode())

    def to_json(self) -> dict[str, Any]:
        """The content of `results.json`. Scores are fractions from 0 to 1."""
        best = self.best
        return {
            "asked": self.sweep.asked(),
            "points": [_row_json(row) for row in self.rows],
            "best": best and {"point": dict(best.point.values), "command": self.command_of(best.point)},
            **({NOTES: self.notes} if self.notes else {}),
        }

    def _page(self) -> Iterator[str]:
        yield f"# Sweep of {self.command[0]}"
        yield ""
        yield f"Seeds: {', '.join(map(str, self.sweep.seeds))}."
        yield "Scores of the best epoch by dev data, in percent; over seeds mean ± standard deviation. Dev data choose"
        yield "the point. *Clean test* leaves out test texts that occur in train or dev data of any task."
        yield ""
        yield from markdown_lines(Table.of("sweep", self.header(), self.cells()))
        if self.best is not None:
            yield ""
            yield f"Best: {self.best.point.label}"
            yield ""
            yield f"    {self.command_of(self.best.point)}"
        for note in self.notes:
            yield ""
            yield f"{note[0].upper()}{note[1:]}."
        for name, error in self.failures.items():
            yield ""
            yield on_one_line(f"{name} failed: {error}")


def report(sweep: Sweep, points: Sequence[Point], command: Sequence[str]) -> Report:
    """Reads the results of the runs of some points.

    Args:
        sweep: the sweep that the runs belong to.
        points: the points, one for each row of the table.
        command: the arguments of `mtlkit train` for the experiment without any option of the sweep.
    """
    return Report(sweep, [_row(sweep, point) for point in points], command)


def _row(sweep: Sweep, point: Point) -> PointOutcome:
    runs = sweep.runs(point)
    finished = [(run, sweep.result(run)) for run in runs if run.is_finished]
    done = [run for run, _ in finished]
    failed = [(run, failure) for run in runs if run not in done and (failure := run.failure) is not None]
    return PointOutcome(point, runs, finished, failed)


def _row_json(row: PointOutcome) -> dict[str, Any]:
    columns = {}
    for column in COLUMNS:
        values = row.values(column)
        mean = fmean(values) if values else None
        columns[column] = {"mean": mean, "deviation": stdev(values) if len(values) > 1 else None}
    runs = [{"run": run.directory.path.name, "seed": run.seed, **asdict(result.scores)} for run, result in row.finished]
    failed = [{"run": run.directory.path.name, "seed": run.seed, "error": error} for run, error in row.failed]
    return {"point": dict(row.point.values), **columns, "runs": runs, "failed": failed}
