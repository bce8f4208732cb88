"""Charts of how numbers changed from epoch to epoch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import Any, TypeAlias, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlkit.report.analysis.strengths import rounded
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.grid import grid_chart, known
from mtlkit.report.charts.theme import MUTED, RULE, SERIES
from mtlkit.report.evidence import Epoch
from mtlkit.report.parts import Chart, Table

End: TypeAlias = tuple[float, str, str]
"""The end of a line: its height, name and colour."""
Limits: TypeAlias = tuple[float, float]
K = TypeVar("K")
MARKERS = "os^Dv*X"
LONGEST = 22
"""The largest number of characters of a line's name."""
SPAN = 0.1
"""The smallest span of an axis: shares, cosines and coefficients that differ by a tenth of it are nearly alike."""
SHARE = (-0.02, 1.02)
"""The limits of an axis of shares."""
MOST_POINTS = 56
"""The largest number of points that have a tooltip each; beyond it, each line has one."""


def over_training(
    name: str,
    title: str,
    caption: str,
    epochs: Sequence[Epoch],
    series: Mapping[str, Sequence[float | None]],
    *,
    number: str,
    heads: str = "task",
    level: tuple[str, float] | None = None,
    limits: Limits | None = None,
    span: float = SPAN,
    within: Limits = (-math.inf, math.inf),
) -> Chart:
    """A chart with a line for each name, or with a row of cells for each of more than seven: so many lines would not be
    told apart.

    Args:
        name, title, caption: of the chart.
        epochs: as many as each line has numbers.
        series: the lines by name.
        number: what the numbers are, on the axis and in the data.
        heads: what the lines are.
        level: a name and a number that stand across, to compare with.
        limits: of the axis, as far as they are known.
        within: where the axis ends if limits are not known.
        span: of the axis at least, so that what hardly moves looks so.
    """
    columns = [epoch_label(epochs, place) for place in range(len(epochs))]
    rows = tuple(
        (line, epoch.stage, epoch.number, value)
        for line, values in series.items()
        for epoch, value in zip(epochs, values, strict=True)
        if known(value)
    )
    data = Table((heads, "stage", "epoch", number), rows)
    if len(series) > len(SERIES):
        grid = grid_chart(
            name,
            title,
            f"{caption} A row for each {heads}, a column for each epoch.",
            list(series),
            columns,
            list(series.values()),
            heads=(heads, "epoch", number),
            sentence=lambda row, column, value: f"{row}, epoch {column}: {rounded(value)}",
        )
        return replace(grid, data=data)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        ends = _lines(axes, epochs, series)
        if level is not None:
            line, height = level
            mark(axes.axhline(height, color=MUTED, linestyle=(0, (4, 3)), linewidth=1), f"{line}: {height:.3g}")
            ends.append((height, line, MUTED))
        _frame(axes, epochs, columns, number)
        axes.set_ylim(*(limits or _at_least(span, axes.get_ylim(), within)))
        _name_lines(axes, ends, len(epochs) - 1)

    return Chart(name, title, caption, data, draw)


def by_epoch(found: Iterable[Iterable[tuple[K, float | None]]]) -> dict[K, list[float | None]]:
    """Lines from what each epoch has of them; None in an epoch that has nothing of a line."""
    epochs = list(map(dict, found))
    return {name: [epoch.get(name) for epoch in epochs] for name in dict.fromkeys(chain.from_iterable(epochs))}


def most_moved(lines: Mapping[K, Sequence[float | None]], count: int) -> tuple[dict[K, Sequence[float | None]], str]:
    """The lines that changed most, and a sentence for the caption if any are left out."""

    def moved(line: K) -> float:
        numbers = list(filter(known, lines[line]))
        return max(numbers, default=0.0) - min(numbers, default=0.0)

    shown = sorted(lines, key=moved, reverse=True)[:count]
    left_out = f" The {len(shown)} that changed most, of {len(lines)}." if len(shown) < len(lines) else ""
    return {line: lines[line] for line in shown}, left_out


def epoch_label(epochs: Sequence[Epoch], place: int) -> str:
    """An epoch's number, after the name of its stage where a new stage begins."""
    epoch = epochs[place]
    is_new = epoch.stage is not None and len({each.stage for each in epochs}) > 1
    is_new = is_new and (place == 0 or epochs[place - 1].stage != epoch.stage)
    return f"{epoch.stage} {epoch.number}" if is_new else f"{epoch.number}"


def _lines(axes: Axes, epochs: Sequence[Epoch], series: Mapping[str, Sequence[float | None]]) -> list[End]:
    """Draws the lines and returns their right ends."""
    each_point = sum(map(len, series.values())) <= MOST_POINTS
    ends = []
    for (line, values), colour, marker in zip(series.items(), SERIES, MARKERS, strict=False):
        points = [(x, value) for x, value in enumerate(values) if known(value)]
        if not points:
            continue
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4}
        (drawn,) = axes.plot(*zip(*points, strict=True), **style)
        first, last = points[0][1], points[-1][1]
        if not each_point:
            mark(drawn, f"{line}: from {first:.3g} to {last:.3g}")
        for x, value in points if each_point else ():
            (point,) = axes.plot(x, value, linestyle="", **style)
            mark(point, f"{line}, {epochs[x].name}: {value:.3g}")
        ends.append((last, line, colour))
    return ends


def _name_lines(axes: Axes, ends: Sequence[End], last: int) -> None:
    """Writes the lines' names at their right ends, pushed apart where they would lie on each other."""
    low, high = axes.get_ylim()
    least = (high - low) * 0.075
    ranked = sorted(ends)
    places = list(accumulate((height for height, *_ in ranked), lambda below, height: max(height, below + least)))
    for number, place in enumerate(reversed(places)):
        places[-1 - number] = min(place, high - number * least)
    for (height, line, colour), place in zip(ranked, places, strict=True):
        axes.annotate(
            label(line, LONGEST),
            (last, height),
            xytext=(last + 0.06 * max(last, 1), place),
            color=colour,
            fontsize=8,
            va="center",
            annotation_clip=False,
        )


def _at_least(span: float, limits: Limits, within: Limits) -> Limits:
    """Limits of an axis, widened on both sides where they are nearer than that, but on one where it ends."""
    low, high = limits
    more = max(span - (high - low), 0.0) / 2
    low, high = low - more, high + more
    down, up = max(high - within[1], 0.0), max(within[0] - low, 0.0)
    return max(low - down, within[0]), min(high + up, within[1])


def _frame(axes: Axes, epochs: Sequence[Epoch], columns: Sequence[str], number: str) -> None:
    every = max(1, -(-len(columns) // 10))
    axes.set_xticks(range(0, len(columns), every), columns[::every], fontsize=7.5)
    axes.set_xlabel("epoch", fontsize=8)
    axes.set_ylabel(number, fontsize=8)
    axes.tick_params(axis="y", labelsize=7.5)
    axes.grid(axis="y", linewidth=0.5)
    axes.set_axisbelow(True)
    for place, (before, epoch) in enumerate(pairwise(epochs)):
        if epoch.stage != before.stage:
            axes.axvline(place + 0.5, color=RULE, linewidth=1)
