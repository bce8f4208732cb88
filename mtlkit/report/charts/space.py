"""Paths as points in space: the modules of the first three steps are the coordinates (Chen et al. 2018, Figure 5)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlkit.report.analysis.paths import STOP, Paths, plain
from mtlkit.report.charts.drawing import mark
from mtlkit.report.charts.point_names import Style, key_height, legend, name_points, number_key, numbers_of, styles_of
from mtlkit.report.charts.theme import RULE
from mtlkit.report.parts import Cell, Chart, Table
from mtlkit.text import visible

DIMENSIONS = 3
STOPPED = -1
"""The coordinate of a step that a path does not have."""
SHIFT = 0.28
"""The distance at which points that share a place stand around it; places are 1 apart."""
VIEWS = (("from above", 0, 1), ("from the front", 0, 2), ("from the left", 1, 2))
"""The paper's three projections: their names, and the steps that lie across and up."""

NAMED = 8
"""The largest number of tasks with names in space; more, and those of the small projections, have numbers and a key."""
Point: TypeAlias = tuple[int, ...]
Shift: TypeAlias = tuple[float, float]


def space_charts(paths: Paths, kinds: Mapping[str, str]) -> list[Chart]:
    """A chart of the paths in space, and one of its three projections."""
    points = {task: coordinates(path.modules) for task, path in paths.items()}
    shifts = _shifts(points)
    rows: tuple[tuple[Cell, ...], ...] = tuple((task, kinds[task], *points[task]) for task in points)
    data = Table(("task", "kind", "step_1", "step_2", "step_3"), rows)
    styles = styles_of({task: kinds[task] for task in points})
    said = {task: visible(f"{task}: {plain(path)}") for task, path in paths.items()}
    look = {task: styles[kinds[task]] for task in points}

    of_points = {task: kinds[task] for task in points}
    numbers = {task: number for number, task in enumerate(points, 1)}
    is_named = len(points) <= NAMED

    def solid(figure: Figure) -> None:
        axes = _solid(figure, points, shifts, look, said)
        _name_places(axes, points, shifts, None if is_named else numbers)
        if is_named:
            legend(figure, styles)
        else:
            number_key(figure, look, of_points)

    def flat(figure: Figure) -> None:
        for axes, view in zip(figure.subplots(1, len(VIEWS)), VIEWS, strict=True):
            _flat(axes, view, points, look, said, numbers)
        number_key(figure, look, of_points)

    more = " Longer paths are cut." if any(len(path.modules) > DIMENSIONS for path in paths.values()) else ""
    caption = (
        f"Each point is a task; its coordinates are its modules at the first three steps, or {STOP}.{more} Tasks at "
        "the same place are shifted a little. Which modules have near numbers means nothing."
    )
    key, tall = key_height(of_points), 2.4 if is_named else 3.4
    return [
        Chart("pool-space", "Paths in space", caption, data, solid, height=3.6 if is_named else 3.6 + key),
        Chart("pool-projections", "Paths in space, from three sides", caption, data, flat, height=tall + key),
    ]


def coordinates(modules: Sequence[int]) -> Point:
    """The first three modules of a path, with STOPPED after its end."""
    return (*modules, *[STOPPED] * DIMENSIONS)[:DIMENSIONS]


def _shifts(points: Mapping[str, Point]) -> dict[str, Shift]:
    """Places tasks on a circle around their common place, in their order: nothing is left to chance."""
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
    figure: Figure,
    points: Mapping[str, Point],
    shifts: Mapping[str, Shift],
    look: Mapping[str, Style],
    said: Mapping[str, str],
) -> Any:
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
    return axes


def _name_places(
    axes: Any, points: Mapping[str, Point], shifts: Mapping[str, Shift], numbers: Mapping[str, int] | None
) -> None:
    """Writes one label at each place in space, of all tasks there."""

    def plane(x: float, y: float, z: float) -> tuple[float, float]:
        across, up, _, scale = (axes.get_proj() @ (x, y, z, 1)).tolist()
        return across / scale, up / scale

    places = {shown: plane(*place) for place, shown in _shown(points, numbers).items()}
    drawn = [plane(x + shifts[task][0], y + shifts[task][1], z) for task, (x, y, z) in points.items()]
    name_points(axes, places, 3.7, 3.2, drawn)


def _shown(points: Mapping[str, Point], numbers: Mapping[str, int] | None) -> dict[Point, str]:
    """The label of each place: a name on each line, or numbers."""
    groups: dict[Point, list[str]] = {}
    for task, point in points.items():
        groups.setdefault(point, []).append(task)
    if numbers is None:
        return {point: "\n".join(map(visible, tasks)) for point, tasks in groups.items()}
    return {point: numbers_of([numbers[task] for task in tasks]) for point, tasks in groups.items()}


def _flat(
    axes: Axes,
    view: tuple[str, int, int],
    points: Mapping[str, Point],
    look: Mapping[str, Style],
    said: Mapping[str, str],
    numbers: Mapping[str, int],
) -> None:
    name, across, up = view
    places = {task: (point[across], point[up]) for task, point in points.items()}
    shared = _shifts(places)
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
    axes.set_autoscale_on(False)
    spots = [(x + shared[task][0], y + shared[task][1]) for task, (x, y) in places.items()]
    named = {shown: (float(place[0]), float(place[1])) for place, shown in _shown(places, numbers).items()}
    name_points(axes, named, 0.95, 1.7 if len(points) <= NAMED else 2.6, spots, size=6)


def _limits(points: Mapping[str, Point], dimension: int) -> tuple[float, float]:
    """The limits of an axis, with room for points that are shifted."""
    values = [point[dimension] for point in points.values()]
    return min(values) - 0.75, max(values) + 0.75


def _ticks(axis: Any, values: Sequence[int], name: str, most: int) -> None:
    """Sets ticks at modules that occur, as many as have room."""
    found: list[int] = []
    for value in sorted(set(values)):
        if not found or (value - found[-1]) * most >= max(values) - min(values):
            found.append(value)
    axis.set_ticks(found, [STOP if value == STOPPED else f"M{value}" for value in found], fontsize=6.5)
    axis.set_label_text(name, fontsize=7)
