"""The page of a table, made from the kept results of its runs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from tables import TABLES, PaperTable, TableRow

from mtlkit.figures import AVERAGE, Figure
from mtlkit.tables import spread

KeptRun = dict[str, Any]
"""What collect.py has kept of a run."""
Rows = Sequence[tuple[TableRow, Sequence[KeptRun]]]

PREFACE = """# {table.title}

Written by `python experiments/run_tables.py {name} --render`; [one file per run]({name}) records command, commit,
machine, data hashes and every epoch. {figures} in percent, as mean ± standard deviation over seeds; *clean* leaves out
test texts that occur in train or dev data of any task. The papers' figures come from other trainers.

"""


def page(results: Path, name: str) -> None:
    """Writes `NAME.md` in the folder of results, from the files in `NAME/` there."""
    table = TABLES[name]
    rows = [(system, runs) for system in table.systems if (runs := list(_kept(results / name, system)))]
    (results / f"{name}.md").write_text("\n".join(lines(name, table, rows)) + "\n", encoding="utf-8")


def lines(name: str, table: PaperTable, rows: Rows) -> Iterator[str]:
    """The page: a row for each system, and below them, where averages mean something, one for each task."""
    apart = bool(table.metrics)
    figures = "Test figures" if apart else f"Average {table.metric}"
    yield from PREFACE.format(table=table, name=name, figures=figures).splitlines()
    columns = [f"{task}, {metric}" for task, metric in table.metrics.items()] if apart else list(AVERAGES)
    header = ["system", "seeds", *columns, "epochs", "minutes", "on", "papers"]
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for system, runs in rows:
        found = _of_tasks(table, runs) if apart else _averages(table, runs)
        epochs, minutes = (", ".join(map(str, each)) for each in zip(*map(_length, runs), strict=True))
        machines = [run["processor"] if run["device"] == "cpu" else run["accelerator"] for run in runs]
        seeds = ", ".join(str(run["seed"]) for run in runs)
        file = f"[{system.title}](../../experiments/{system.file})"
        cells = [file, seeds, *map(spread, found), epochs, minutes, ", ".join(dict.fromkeys(machines)), system.paper]
        yield f"| {' | '.join(cells)} |"
    if rows and not apart:
        yield from _by_task(table, rows)


def _kept(folder: Path, system: TableRow) -> Iterator[KeptRun]:
    for file in sorted(folder.glob(f"{system.name}-*.json")):
        yield json.loads(file.read_text(encoding="utf-8"))


def _of_tasks(table: PaperTable, runs: Sequence[KeptRun]) -> list[list[float]]:
    return [[run["metrics"]["test"][str(Figure(task, name))] for run in runs] for task, name in table.metrics.items()]


AVERAGES = ("test", "clean test", "test - clean", "dev")


def _averages(table: PaperTable, runs: Sequence[KeptRun]) -> list[list[float]]:
    """Those of AVERAGES."""
    test, clean, dev = (
        [_average(run["metrics"][split], Figure(AVERAGE, table.metric, clean)) for run in runs]
        for split, clean in (("test", False), ("test", True), ("dev", False))
    )
    return [test, clean, [standard - other for standard, other in zip(test, clean, strict=True)], dev]


def _average(figures: dict[str, float], figure: Figure) -> float:
    """Where no text was seen in training, the standard average is the clean one as well."""
    return figures.get(str(figure), figures[str(replace(figure, clean=False))])


def _by_task(table: PaperTable, rows: Rows) -> Iterator[str]:
    """The test figures task by task."""
    found = [Figure.parse(name) for name in rows[0][1][0]["metrics"]["test"]]
    tasks = [figure.task for figure in found if figure == Figure(figure.task, table.metric)]
    yield ""
    yield f"| {' | '.join(['task', *(system.name for system, _ in rows)])} |"
    yield f"|{'---|' * (len(rows) + 1)}"
    for task in tasks:
        values = [fmean(run["metrics"]["test"][str(Figure(task, table.metric))] for run in runs) for _, runs in rows]
        yield f"| {' | '.join([task, *(f'{100 * value:.1f}' for value in values)])} |"


def _length(run: KeptRun) -> tuple[int, str]:
    """Epochs of the last stage, and minutes of all."""
    start, end = (datetime.fromisoformat(run[key]) for key in ("created", "finished"))
    return run["metrics"]["epochs"], f"{(end - start).total_seconds() / 60:.0f}"
