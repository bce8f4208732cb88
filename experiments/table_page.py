"""The page of a table, made from the kept results of its runs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from tables import TABLES, PaperTable, TableRow

from mtlkit.comparison import RunRecord, read_record
from mtlkit.comparison.records import KeptRun
from mtlkit.figures import AVERAGE, Figure, tasks_of_figures
from mtlkit.runs.comparable import differences_of_bases, do_not_compare
from mtlkit.runs.documents import checked, read_object
from mtlkit.tables import spread

Kept = dict[str, Any]
"""What collect.py has kept of a run."""
Rows = Sequence[tuple[TableRow, Sequence[Kept]]]

PREFACE = """# {table.title}

Written by `python experiments/run_tables.py {name} --render`; [one file per run]({name}) records command, commit,
machine, data hashes and every epoch. {figures} in percent, as mean ± standard deviation over seeds; *clean* leaves out
test texts that occur in train or dev data of any task. The papers' figures come from other trainers.

"""


def page(results: Path, name: str) -> None:
    """Writes `NAME.md` in the folder of results, from the files in `NAME/` there."""
    table = TABLES[name]
    files = {system.name: sorted((results / name).glob(f"{system.name}-*.json")) for system in table.systems}
    rows = [(system, [_kept(file) for file in files[system.name]]) for system in table.systems if files[system.name]]
    records = [read_record(file) for kept in files.values() for file in kept]
    text = [*lines(name, table, rows), *on_other_data(records)]
    (results / f"{name}.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def on_other_data(records: Sequence[RunRecord]) -> Iterator[str]:
    """Sentences about the runs whose figures do not compare with those of the first, since they had other data."""
    for record in records[1:]:
        one, other = (tasks_of_figures(each.figures["test"]) for each in (records[0], record))
        places = [(task, split) for task in one if task in other for split in ("train", "dev", "test")]
        if differing := list(differences_of_bases(records[0].basis, record.basis, places)):
            yield ""
            yield f"{do_not_compare(records[0].path.stem, record.path.stem, differing)}."


def lines(name: str, table: PaperTable, rows: Rows) -> Iterator[str]:
    """The page: a row for each system, and below them, where averages mean something, one for each task."""
    apart = bool(table.metrics)
    figures = "Test figures" if apart else f"Average {table.metric}"
    yield from PREFACE.format(table=table, name=name, figures=figures).splitlines()
    if rows and table.figure:
        yield from _figure(table, rows)
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


def _figure(table: PaperTable, rows: Rows) -> Iterator[str]:
    """The figure, with what it shows as text for those who do not see it."""
    averages = {system.title: [100 * fmean(each) for each in _averages(table, runs)[:2]] for system, runs in rows}
    order = sorted(averages, key=lambda title: -averages[title][0])
    shown = "; ".join(f"{title}: {averages[title][0]:.1f} / {averages[title][1]:.1f}" for title in order)
    yield f"![Mean {table.metric} on all / on clean test texts, in percent: {shown}]({table.figure})"
    yield ""


def _kept(file: Path) -> Kept:
    return checked(file, KeptRun, read_object(file), "collect it again")


def _of_tasks(table: PaperTable, runs: Sequence[Kept]) -> list[list[float]]:
    return [[run["metrics"]["test"][str(Figure(task, name))] for run in runs] for task, name in table.metrics.items()]


AVERAGES = ("test", "clean test", "test - clean", "dev")


def _averages(table: PaperTable, runs: Sequence[Kept]) -> list[list[float]]:
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


def _length(run: Kept) -> tuple[int, str]:
    """Epochs of the last stage, and minutes of all."""
    start, end = (datetime.fromisoformat(run[key]) for key in ("created", "finished"))
    return run["metrics"]["epochs"], f"{(end - start).total_seconds() / 60:.0f}"
