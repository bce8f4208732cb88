"""Numbers as cells that are the stronger in colour the larger they are."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeGuard

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlkit.report.analysis.strengths import rounded
from mtlkit.report.charts import NAME
from mtlkit.report.charts.drawing import label, mark, name_rows
from mtlkit.report.charts.theme import ACCENT, INK, MUTED, OPPOSITE, RULE
from mtlkit.report.parts import Chart, Table

Numbers: TypeAlias = Sequence[Sequence[float | None]]
Sentence: TypeAlias = Callable[[str, str, float], str]
"""Makes a sentence of a row, a column and a number."""

MOST_WRITTEN = 42
"""The largest number of cells that have their number written in them and a tooltip each; beyond it, rows have one."""
LONGEST = 34
"""The largest number of characters of a row's name, which may be that of two tasks."""
FAINTEST = 0.01
"""The smallest share of the largest number that is drawn; less would not be seen."""
TOLD = 3
"""The number of cells of a row, the largest, for which a tooltip has room."""
ROW_HEIGHT = 0.17
"""The height of a row in inches; less could not be read."""


def grid_chart(
    name: str,
    title: str,
    caption: str,
    rows: Sequence[str],
    columns: Sequence[str],
    numbers: Numbers,
    *,
    heads: tuple[str, str, str],
    sentence: Sentence,
    largest: float | None = None,
    columns_are: str | None = None,
) -> Chart:
    """A row for each name. `heads` are the names of rows, columns and numbers in the data; full colour is
    `largest`, or else the largest number; `columns_are` is what the drawing says of columns, if it is not their
    head. Cells without a finite number stay empty."""
    cells = [[(column, number) for column, number in enumerate(line) if known(number)] for line in numbers]
    found = tuple(
        (row, columns[column], number) for row, line in zip(rows, cells, strict=True) for column, number in line
    )
    is_small = len(rows) * len(columns) <= MOST_WRITTEN
    most = max((abs(number) for *_, number in found), default=0.0) if largest is None else largest
    scale = (0.45 if is_small else 0.9) / (most or 1)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, line in enumerate(cells):
            bars = [[cell] for cell in line] if is_small else [line] if line else []
            for bar in bars:
                told = sorted(bar, key=lambda cell: -abs(cell[1]))[:TOLD]
                said = "; ".join(sentence(rows[place], columns[column], number) for column, number in told)
                mark(_bar(axes, place, bar, scale, is_small), said)
        if not is_small:
            _net(axes, len(rows), len(columns))
        _frame(axes, rows, columns)
        axes.set_ylabel(heads[0], fontsize=7.5, color=MUTED)
        axes.set_xlabel(columns_are or heads[1], fontsize=7.5, color=MUTED)

    height = 0.88 + (0.26 if is_small else ROW_HEIGHT) * len(rows)
    height += 0.07 * max((len(label(column, NAME)) for column in columns), default=0) * _turned(columns)
    return Chart(name, title, caption, Table(heads, found), draw, height=height)


def known(number: float | None) -> TypeGuard[float]:
    """Whether a number is known and finite, so that it can be drawn."""
    return number is not None and math.isfinite(number)


def _bar(axes: Axes, place: int, cells: Sequence[tuple[int, float]], scale: float, is_small: bool) -> Artist:
    """Draws cells of a row, with their numbers if the grid is small; otherwise with a minus sign where they are
    negative, since colour alone would not tell."""
    seen = [cell for cell in cells if abs(cell[1]) * scale >= FAINTEST] or cells[:1]
    for column, number in seen:
        if is_small or number < 0:
            text, size = (rounded(number), 7.5) if is_small else ("-", 6)
            axes.text(column, place, text, ha="center", va="center", fontsize=size, color=INK)
    colours = [(ACCENT if number >= 0 else OPPOSITE, min(1.0, abs(number) * scale)) for _, number in seen]
    ranges = [(column - 0.5, 1.0) for column, _ in seen]
    return axes.broken_barh(ranges, (place - 0.5, 1.0), facecolors=colours, edgecolor=RULE, linewidth=0.5)


def _net(axes: Axes, num_rows: int, num_columns: int) -> None:
    """Draws lines around all cells, the empty ones too."""
    style: dict[str, Any] = {"colors": RULE, "linewidth": 0.5}
    axes.hlines([row - 0.5 for row in range(num_rows + 1)], -0.5, num_columns - 0.5, **style)
    axes.vlines([column - 0.5 for column in range(num_columns + 1)], -0.5, num_rows - 0.5, **style)


def _turned(columns: Sequence[str]) -> bool:
    """Whether the columns' names are turned, since they would not fit side by side."""
    return len(columns) * max((len(label(column, NAME)) for column in columns), default=0) > 32


def _frame(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    is_short = all(len(name) <= LONGEST // 2 for name in rows)
    name_rows(axes, [label(name, LONGEST) for name in rows], fontsize=7.5 if is_short else 6.5)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    names = [label(name, NAME) for name in columns]
    axes.set_xticks(range(len(columns)), names, fontsize=7.5, rotation=90 * _turned(columns))
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)
