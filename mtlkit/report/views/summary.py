"""What was trained on what, and how good it is."""

from collections.abc import Sequence
from functools import partial
from itertools import count

from matplotlib.figure import Figure

from mtlkit.comparison import RunRecord
from mtlkit.figures import AVERAGE, MAJORITY
from mtlkit.report.analysis.facts import settings, texts
from mtlkit.report.analysis.scores import SplitScores, scores_of
from mtlkit.report.charts.drawing import label, mark, name_rows
from mtlkit.report.charts.theme import INK, MUTED, RULE, SERIES, SURFACE
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Cell, Chart, Section, Table, View
from mtlkit.report.templating import render, sentences, titled

MOST_MARKS = 60
SHAPES = ("o", "D", "s", "^", "v", "P", "X")
"""Markers of the run and of those beside it, so that they are told apart without colours."""

Lines = Sequence[tuple[str, str, Sequence[float | None]]]
"""For each marker of the chart its name, its shape, and a value for each row, in percent."""


def section(evidence: Evidence) -> Section:
    """Tasks, settings and scores."""
    scores = scores_of(evidence)
    parts: list[Table | Chart | View] = []
    if scores.owners:
        parts += [_chart(evidence, scores), _table(evidence, scores)]
    parts += [View(render("summary.html", facts=settings(evidence))), _tasks(evidence)]
    beside = _beside(evidence, scores)
    others = [record for record in evidence.baselines if record not in beside]
    said = sentences("summary", evidence=evidence, scores=scores, beside=beside, others=others)
    return Section("summary", "Summary", said, parts)


def _beside(evidence: Evidence, scores: SplitScores) -> list[RunRecord]:
    """The baselines that have at least one figure in common with this run."""
    headlines = {scores.name(owner) for owner in scores.owners if owner != AVERAGE}
    return [record for record in evidence.baselines if headlines & record.figures.get(scores.split, {}).keys()]


def _tasks(evidence: Evidence) -> Table:
    counts = texts(evidence)
    splits = [split for split in ("train", "dev", "test") if any(split in each for each in counts.values())]
    rows = []
    for name, task in evidence.experiment.tasks.items():
        sizes = [counts.get(name, {}).get(split, {}).get("used") for split in splits]
        rows.append((name, *sizes, task.head.type, task.reader.type))
    header = ("task", *(f"{split} texts" for split in splits), "head", "reader")
    return Table(header, tuple(rows), "The tasks")


def _table(evidence: Evidence, scores: SplitScores) -> Table:
    """A table with a row for each task and the average: the figures, those of other runs, and the differences."""
    columns: list[tuple[str, Sequence[Cell]]] = [
        ("metric", [f"{scores.headline(owner)}".replace("_", " ") for owner in scores.owners]),
        *((name, list(map(_percent, scores.of(clean=clean)))) for clean, name in scores.kinds.items()),
    ]
    if any(value is not None for value in scores.majority):
        columns.append((MAJORITY, list(map(_percent, scores.majority))))
    for record in _beside(evidence, scores):
        for clean, name in scores.kinds.items():
            theirs = scores.of(clean=clean, record=record)
            columns.append((f"{record.name}, {name}", list(map(_percent, theirs))))
            columns.append(("difference", list(map(_difference, scores.of(clean=clean), theirs))))
    header = ("task", *(name for name, _ in columns))
    rows = tuple(zip(scores.owners, *(values for _, values in columns), strict=True))
    return Table(header, rows, "Scores in percent")


def _chart(evidence: Evidence, scores: SplitScores) -> Chart:
    """A row for each task and the average, with the run's figures and what they compare with."""
    lines = [
        (evidence.name, SHAPES[0], scores.of()),
        ("clean texts only", "|", scores.of(clean=True)),
        ("most frequent label", "x", scores.majority),
    ]
    beside = zip(_beside(evidence, scores), SHAPES[1:], strict=False)
    lines += [(record.name, shape, scores.of(record=record)) for record, shape in beside]
    drawn = [
        (name, shape, [None if value is None else round(100 * value, 6) for value in values])
        for name, shape, values in lines
        if any(value is not None for value in values)
    ]
    names = [name for name, *_ in drawn]
    data = Table(("task", *names), tuple(zip(scores.owners, *(values for *_, values in drawn), strict=True)))
    height = 0.75 + 0.24 * len(scores.owners) + 0.2 * len(drawn)
    named = titled("scores", split=scores.split, names=names)
    return Chart(*named, data, partial(_draw, scores.owners, drawn), height)


def _draw(owners: Sequence[str], lines: Lines, figure: Figure) -> None:
    axes = figure.add_subplot()
    marks = count()
    for number, (name, shape, values) in enumerate(lines):
        colour = {"x": MUTED, "|": INK}.get(shape, SERIES[number % len(SERIES)])
        edge = colour if shape in "x|" else SURFACE
        found = [(value, place) for place, value in enumerate(values) if value is not None]
        for value, place in found:
            (point,) = axes.plot(value, place, shape, color=colour, markersize=6.5, markeredgecolor=edge)
            if next(marks) < MOST_MARKS:
                mark(point, f"{owners[place]}, {name}: {value:.2f} %")
        point.set_label(label(name, 50))
    name_rows(axes, list(map(label, owners)), color=INK)
    axes.set_xlabel("percent")
    axes.grid(axis="both", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    figure.legend(loc="outside lower left", ncols=1, handletextpad=0.3, borderaxespad=0)


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.2f}"


def _difference(value: float | None, other: float | None) -> str | None:
    return None if value is None or other is None else f"{100 * (value - other):+.2f}".replace("-", "−")
