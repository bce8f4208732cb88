"""Paths as points in space: the modules of the first three steps are the coordinates (Chen et al. 2018, Figure 5)."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from mtlkit.explanations import visible
from mtlkit.report.charts.point_names import Style, legend, styles_of
from mtlkit.report.drawing import mark
from mtlkit.report.parts import Cell, Chart, Table
from mtlkit.report.paths import STOP, Paths, plain
from mtlkit.report.theme import RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIMENSIONS = 3
STOPPED = -1
"""The coordinate of a step that a path does not have."""
SHIFT = 0.28
"""How far from its place a point is put that is not alone there; places are 1 apart."""
VIEWS = (("from above", 0, 1), ("from the front", 0, 2), ("from the left", 1, 2))
"""The paper's three: names, and the steps that lie across and up."""

Point: TypeAlias = tuple[int, ...]
Shift: TypeAlias = tuple[float, float]


def space_charts(paths: Paths, kinds: Mapping[str, str]) -> list[Chart]:
    """In space, and its three projections."""
    points = {task: coordinates(path.modules) for task, path in paths.items()}
    shifts = _shifts(points)
    rows: tuple[tuple[Cell, ...], ...] = tuple((task, kinds[task], *points[task]) for task in points)
    data = Table(("task", "kind", "step_1", "step_2", "step_3"), rows)
    styles = styles_of({task: kinds[task] for task in points})
    said = {task: visible(f"{task}: {plain(path)}") for task, path in paths.items()}
    look = {task: styles[kinds[task]] for task in points}

    def solid(figure: "Figure") -> None:
        _solid(figure, points, shifts, look, said)
        legend(figure, styles)

    def flat(figure: "Figure") -> None:
        for axes, view in zip(figure.subplots(1, len(VIEWS)), VIEWS, strict=True):
            _flat(axes, view, points, shifts, look, said)
        legend(figure, styles)

    more = " Longer paths are cut." if any(len(path.modules) > DIMENSIONS for path in paths.values()) else ""
    caption = (
        f"Each point is a task; its coordinates are its modules at the first three steps, or {STOP}.{more} Tasks at "
        "the same place are shifted a little. Which modules have near numbers means nothing."
    )
    return [
        Chart("pool-space", "Paths in space", caption, data, solid, height=3.6),
        Chart("pool-projections", "Paths in space, from three sides", caption, data, flat, height=2.6),
    ]


def coordinates(modules: Sequence[int]) -> Point:
    """The first three modules; STOPPED after the path's end."""
    return (*modules, *[STOPPED] * DIMENSIONS)[:DIMENSIONS]


def _shifts(points: Mapping[str, Point]) -> dict[str, Shift]:
    """On a circle around their common place, in the tasks' order: nothing is left to chance."""
    groups: dict[Point, list[str]] = {}
    for task, point in points.items():
        groups.setdefault(point, []).append(task)
    shifts = {}
    for tasks in groups.values():
        for number, task in enumerate(tasks):
            angle, length = 2 * math.pi * number / len(tasks), SHIFT if len(tasks) > 1 else 0.0
            shifts[task] = (length * math.cos(angle), length * math.sin(angle))
    return shifts


def _solid(
    figure: "Figure",
    points: Mapping[str, Point],
    shifts: Mapping[str, Shift],
    look: Mapping[str, Style],
    said: Mapping[str, str],
) -> None:
    axes: Any = figure.add_subplot(projection="3d")
    for task, (x, y, z) in points.items():
        (across, deep), style = shifts[task], look[task]
        foot = [_limits(points, 2)[0], z]
        axes.plot([x + across] * 2, [y + deep] * 2, foot, color=RULE, linewidth=0.8)
        (point,) = axes.plot(
            [x + across], [y + deep], [z], marker=style.marker, color=style.colour, markersize=6, linestyle=""
        )
        mark(point, said[task])
    for number, axis in enumerate((axes.xaxis, axes.yaxis, axes.zaxis)):
        _ticks(axis, [point[number] for point in points.values()], f"step {number + 1}", most=7)
        axis.set_pane_color((1, 1, 1, 0))
        axis._axinfo["grid"]["color"] = RULE
    axes.set(xlim=_limits(points, 0), ylim=_limits(points, 1), zlim=_limits(points, 2))
    axes.set_box_aspect(None, zoom=0.85)


def _flat(
    axes: "Axes",
    view: tuple[str, int, int],
    points: Mapping[str, Point],
    shifts: Mapping[str, Shift],
    look: Mapping[str, Style],
    said: Mapping[str, str],
) -> None:
    name, across, up = view
    shared = _shifts({task: (point[across], point[up]) for task, point in points.items()})
    for task, point in points.items():
        style, (right, high) = look[task], shared[task]
        (drawn,) = axes.plot(
            [point[across] + right], [point[up] + high], marker=style.marker, color=style.colour, linestyle=""
        )
        drawn.set_markersize(4.5)
        mark(drawn, said[task])
    axes.set_title(name, fontsize=7.5)
    _ticks(axes.xaxis, [point[across] for point in points.values()], f"step {across + 1}", most=4)
    _ticks(axes.yaxis, [point[up] for point in points.values()], f"step {up + 1}", most=12)
    axes.set(xlim=_limits(points, across), ylim=_limits(points, up))
    axes.grid(linewidth=0.4)
    axes.set_axisbelow(True)


def _limits(points: Mapping[str, Point], dimension: int) -> tuple[float, float]:
    """With room for points that are shifted."""
    values = [point[dimension] for point in points.values()]
    return min(values) - 0.75, max(values) + 0.75


def _ticks(axis: Any, values: Sequence[int], name: str, most: int) -> None:
    """At modules that occur, and at so many of them as have room."""
    found: list[int] = []
    for value in sorted(set(values)):
        if not found or (value - found[-1]) * most >= max(values) - min(values):
            found.append(value)
    axis.set_ticks(found, [STOP if value == STOPPED else f"M{value}" for value in found], fontsize=6.5)
    axis.set_label_text(name, fontsize=7)
