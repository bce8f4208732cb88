"""A comparison as tables to read, and as records to compute with."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Literal, TypeAlias

from mtlkit.comparison.bootstrap import LEVEL, Over, holm
from mtlkit.comparison.compare import Comparison, Result, Texts
from mtlkit.figures import AVERAGE
from mtlkit.runs.older_outputs import head_of
from mtlkit.tables import LATEX_HEAD, Cell, Table, csv_text, latex, mark_best, markdown, spread

COLUMNS = (
    *("system", "task", "metric", "split", "texts", "seeds", "mean", "deviation", "gain", "low", "high", "p"),
    *("over", "p_holm"),
)


FileFormat: TypeAlias = Literal["markdown", "latex", "csv", "json"]


def written(comparison: Comparison, format_: FileFormat) -> str:
    """The text of a comparison in a format for files: tables and notes, or records."""
    if format_ == "csv":
        return as_csv(comparison)
    if format_ == "json":
        return as_json(comparison)
    return (markdown if format_ == "markdown" else latex)(tables_of(comparison), notes_of(comparison))


def is_comparison(file: BinaryIO) -> bool:
    """Whether an open file has a comparison in one of the formats, or as tables of a terminal."""
    beginnings = (",".join(COLUMNS[:8]), '{\n  "systems": {', LATEX_HEAD)
    text = head_of(file)
    return text.startswith(beginnings) or re.match(r"[^\n]*\n+(┏━[^\n]*\n[┃|])?\W*system\b", text) is not None


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
    found = {result.interval.over for _, _, _, result in _results(comparison) if result.interval}
    if found:
        notes.append(
            f"In brackets {100 * LEVEL:.0f} % intervals, beside them two-sided p-values, of a paired bootstrap over "
            f"{question.split} texts, drawn task by task ({question.resamples:,} resamples, seed {question.seed}). "
            + _about(found)
        )
    if any(len(family) > 1 for family in _families(comparison)):
        notes.append(
            "Holm's correction makes up for the number of comparisons: of all averages, and apart from them of all "
            "gains by task. There * marks those whose corrected p-value is below 0.05."
        )
    return [*notes, *comparison.notes]


def _about(found: set[Over]) -> str:
    if found == {"texts"}:
        return "They are about the models as they are, seeds averaged, not about training them again."
    both = "They are about training the models again as well, with the variance between seeds (Welch)"
    return f"{both}{', where both sides have several seeds' if 'texts' in found else ''}."


def records_of(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """One record for each system, task and kind of texts. Figures are fractions from 0 to 1."""
    corrected = _corrected(comparison)
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
            "over": None if found is None else found.over,
            "p_holm": corrected.get((texts, system, task)),
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


Place: TypeAlias = tuple[Texts, str, str]
"""Texts, system and task of a result."""


def _families(comparison: Comparison) -> list[dict[Place, float]]:
    """The p-values of comparisons that are made at once: those of all averages on some texts, and all by task."""
    families: dict[tuple[Texts, bool], dict[Place, float]] = {}
    for texts, system, task, result in _results(comparison):
        if result.interval is not None:
            families.setdefault((texts, task == AVERAGE), {})[texts, system, task] = result.interval.p
    return list(families.values())


def _corrected(comparison: Comparison) -> dict[Place, float]:
    """The p-values after Holm's correction."""
    return {
        place: p
        for family in _families(comparison)
        for place, p in zip(family, holm(list(family.values())), strict=True)
    }


def _averages(comparison: Comparison) -> Table:
    corrected = _corrected(comparison)
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
        known = [result.interval.p if result is not None and result.interval else None for result in results]
        if any(p is not None for p in known):
            header.append("p")
            columns.append([Cell(_p(p)) for p in known])
        if sum(p is not None for p in known) > 1:
            header.append("p (Holm)")
            columns.append([Cell(_p(corrected.get((texts, system.name, task)))) for system in comparison.systems])
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
    by_system, corrected = comparison.results[texts], _corrected(comparison)
    rows = []
    for task in _rows(comparison, texts):
        shown = [_gain_with_p(by_system[name].get(task), corrected.get((texts, name, task))) for name in others]
        rows.append([Cell(task), *map(Cell, shown)])
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


def _p(p: float | None) -> str:
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _gain_with_p(result: Result | None, corrected: float | None) -> str:
    if result is None or result.interval is None:
        return _gain(result)
    shown = _p(result.interval.p)
    mark = "*" if corrected is not None and corrected < 1 - LEVEL else ""
    return f"{_gain(result)} {f'p {shown}' if shown.startswith('<') else f'p = {shown}'}{mark}"


def _metric(comparison: Comparison) -> str:
    return " / ".join(dict.fromkeys(comparison.metrics.values()))


def _words(texts: Texts) -> str:
    return "clean " if texts == "clean" else ""
