"""A comparison as tables to read, and as records to compute with."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from mtlkit.comparison.bootstrap import LEVEL
from mtlkit.comparison.compare import Comparison, Result, Texts
from mtlkit.figures import AVERAGE
from mtlkit.tables import Cell, Table, csv_text, latex, mark_best, markdown, spread

COLUMNS = ("system", "task", "metric", "split", "texts", "seeds", "mean", "deviation", "gain", "low", "high", "p")


FileFormat: TypeAlias = Literal["markdown", "latex", "csv", "json"]


def written(comparison: Comparison, format_: FileFormat) -> str:
    """The text of a comparison in a format for files: tables and notes, or records."""
    if format_ == "csv":
        return as_csv(comparison)
    if format_ == "json":
        return as_json(comparison)
    return (markdown if format_ == "markdown" else latex)(tables_of(comparison), notes_of(comparison))


def tables_of(comparison: Comparison) -> list[Table]:
    """Tables of a comparison: averages, standard and clean figures side by side, then figures and gains by task."""
    tables = [_averages(comparison)]
    if len(comparison.metrics) > 1:
        tables += [_tasks(comparison, texts) for texts in comparison.results]
    if len(comparison.metrics) > 1 and comparison.question.baseline is not None:
        tables += [_gains(comparison, texts) for texts in comparison.results]
    return tables


def notes_of(comparison: Comparison) -> list[str]:
    """Sentences that a reader of the tables should know: how spreads and intervals were computed, what is missing."""
    question = comparison.question
    notes = []
    if any(len(system.runs) > 1 for system in comparison.systems):
        notes.append("Figures over several seeds are mean ± sample standard deviation.")
    if any(result.interval for _, _, _, result in _results(comparison)):
        notes.append(
            f"In brackets {100 * LEVEL:.0f} % intervals, beside them two-sided p-values, of a paired bootstrap over "
            f"{question.split} texts, drawn task by task ({question.resamples:,} resamples, seed {question.seed}). "
            "They are about the models as they are, seeds averaged, not about training them again."
        )
    return [*notes, *comparison.notes]


def records_of(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """One record for each system, task and kind of texts. Figures are fractions from 0 to 1."""
    for texts, system, task, result in _results(comparison):
        found = result.interval
        yield {
            "system": system,
            "task": task,
            "metric": comparison.metrics.get(task) or _metric(comparison),
            "split": comparison.question.split,
            "texts": texts,
            "seeds": len(result.values),
            "mean": result.mean,
            "deviation": result.deviation,
            "gain": result.gain,
            "low": None if found is None else found.low,
            "high": None if found is None else found.high,
            "p": None if found is None else found.p,
        }


def as_csv(comparison: Comparison) -> str:
    """The records of a comparison as CSV, one line each. Unknown values are empty."""
    return csv_text(COLUMNS, ([record[name] for name in COLUMNS] for record in records_of(comparison)))


def as_json(comparison: Comparison) -> str:
    """A comparison as JSON: its systems with their runs, the records, and the notes."""
    question = comparison.question
    value = {
        "systems": {
            system.name: [{"run": str(run.path), "seed": run.seed} for run in system.runs]
            for system in comparison.systems
        },
        "baseline": question.baseline and question.baseline.name,
        "resamples": question.resamples,
        "seed": question.seed,
        "results": list(records_of(comparison)),
        "notes": notes_of(comparison),
    }
    return json.dumps(value, indent=2) + "\n"


def _results(comparison: Comparison) -> Iterator[tuple[Texts, str, str, Result]]:
    for texts, by_system in comparison.results.items():
        for system, by_task in by_system.items():
            for task, result in by_task.items():
                yield texts, system, task, result


def _averages(comparison: Comparison) -> Table:
    question, several = comparison.question, len(comparison.metrics) > 1
    task = AVERAGE if several else next(iter(comparison.metrics))
    title = f"average of {len(comparison.metrics)} tasks" if several else task
    header = ["system", "seeds"]
    columns: list[list[Cell]] = []
    for texts, by_system in comparison.results.items():
        results = [by_system[system.name].get(task) for system in comparison.systems]
        header.append(f"{_words(texts)}{question.split}")
        columns.append(_figures(results))
        if question.baseline is not None:
            header.append(f"gain over {question.baseline.name}")
            columns.append([Cell(_gain(result)) for result in results])
        if any(result is not None and result.interval for result in results):
            header.append("p")
            columns.append([Cell(_p(result)) for result in results])
    rows = []
    for place, system in enumerate(comparison.systems):
        seeds = ", ".join(str(run.seed) for run in system.runs)
        rows.append([Cell(system.name), Cell(seeds), *(column[place] for column in columns)])
    return Table(f"{question.split}, {title}, {_metric(comparison)} in %", header, rows)


def _tasks(comparison: Comparison, texts: Texts) -> Table:
    by_system = comparison.results[texts]
    rows = []
    for task in _rows(comparison, texts):
        rows.append([Cell(task), *_figures([by_system[system.name].get(task) for system in comparison.systems])])
    title = f"{_words(texts)}{comparison.question.split} by task, {_metric(comparison)} in %"
    return Table(title, ["task", *(system.name for system in comparison.systems)], rows)


def _gains(comparison: Comparison, texts: Texts) -> Table:
    baseline = comparison.question.baseline
    assert baseline is not None, "gains are counted from one"
    others = [system.name for system in comparison.systems if system is not baseline]
    by_system = comparison.results[texts]
    rows = []
    for task in _rows(comparison, texts):
        results = [by_system[name].get(task) for name in others]
        rows.append([Cell(task), *(Cell(f"{_gain(result)} {_with_p(result)}".strip()) for result in results)])
    which = f"{_words(texts)}{comparison.question.split} by task"
    title = f"gain over {baseline.name}, {which}, {_metric(comparison)} in points"
    return Table(title, ["task", *others], rows)


def _rows(comparison: Comparison, texts: Texts) -> list[str]:
    """The tasks that have a figure, and their average."""
    return list(comparison.results[texts][comparison.systems[0].name])


def _figures(results: Sequence[Result | None]) -> list[Cell]:
    best = mark_best([None if result is None else result.mean for result in results])
    shown = ["" if result is None else spread(result.values) for result in results]
    return [Cell(text, mark) for text, mark in zip(shown, best, strict=True)]


def _gain(result: Result | None) -> str:
    if result is None or result.gain is None:
        return ""
    found = result.interval
    interval = "" if found is None else f" [{_points(found.low)}, {_points(found.high)}]"
    return _points(result.gain) + interval


def _points(share: float) -> str:
    return f"{round(100 * share, 2) + 0.0:+.2f}"  # 0 has no minus sign


def _p(result: Result | None) -> str:
    if result is None or result.interval is None:
        return ""
    return "< 0.001" if result.interval.p < 0.001 else f"{result.interval.p:.3f}"


def _with_p(result: Result | None) -> str:
    shown = _p(result)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}" if shown else ""


def _metric(comparison: Comparison) -> str:
    return " / ".join(dict.fromkeys(comparison.metrics.values()))


def _words(texts: Texts) -> str:
    return "clean " if texts == "clean" else ""
