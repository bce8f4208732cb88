"""Paths as points in space: the modules of the first three steps are the coordinates (Chen et al. 2018, Figure 5)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlkit.report.analysis.paths import STOP, Paths, plain
from mtlkit.report.charts.point_names import (
    Style,
    draw_point,
    key_height,
    legend,
    name_points,
    number_key,
    numbers_of,
    styles_of,
)
from mtlkit.report.charts.theme import RULE
from mtlkit.report.parts import Cell, Chart, Table
from mtlkit.report.templating import titled
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


@final
@dataclass(frozen=True)
class _Tasks:
    """The tasks of a chart: where each is, how it is drawn, what is said of it, and its number in the key."""

    points: Mapping[str, Point]
    styles: Mapping[str, Style]
    said: Mapping[str, str]
    numbers: Mapping[str, int]

    @property
    def are_named(self) -> bool:
        """Whether they are so few that names have room."""
        return len(self.points) <= NAMED


def space_charts(paths: Paths, kinds: Mapping[str, str]) -> list[Chart]:
    """A chart of the paths in space, and one of its three projections."""
    points = {task: coordinates(path.modules) for task, path in paths.items()}
    of_points = {task: kinds[task] for task in points}
    rows: tuple[tuple[Cell, ...], ...] = tuple((task, kinds[task], *points[task]) for task in points)
    data = Table(("task", "kind", "step_1", "step_2", "step_3"), rows)
    styles = styles_of(of_points)
    tasks = _Tasks(
        points,
        {task: styles[kind] for task, kind in of_points.items()},
        {task: f"{task}: {plain(path)}" for task, path in paths.items()},
        {task: number for number, task in enumerate(points, 1)},
    )

    def solid(figure: Figure) -> None:
        _solid(figure, tasks)
        if tasks.are_named:
            legend(figure, styles)
        else:
            number_key(figure, tasks.styles, of_points)

    def flat(figure: Figure) -> None:
        for axes, view in zip(figure.subplots(1, len(VIEWS)), VIEWS, strict=True):
            _flat(axes, view, tasks)
        number_key(figure, tasks.styles, of_points)

    are_cut = any(len(path.modules) > DIMENSIONS for path in paths.values())
    name, title, caption = titled("pool-space", are_cut=are_cut)
    key = key_height(of_points)
    tall, wide = (3.6, 2.4 + key) if tasks.are_named else (3.6 + key, 3.4 + key)
    return [
        Chart(name, title, caption, data, solid, height=tall),
        Chart("pool-projections", f"{title}, from three sides", caption, data, flat, height=wide),
    ]


def coordinates(modules: Sequence[int]) -> Point:
    """The first three modules of a path, with STOPPED after its end."""
    return (*modules, *[STOPPED] * DIMENSIONS)[:DIMENSIONS]


def _together(points: Mapping[str, Point]) -> dict[Point, list[str]]:
    """The tasks at each place, in their order."""
    groups: dict[Point, list[str]] = {}
    for task, point in points.items():
        groups.setdefault(point, []).append(task)
    return groups


def _shifted(points: Mapping[str, Point]) -> dict[str, tuple[float, ...]]:
    """The points, those at one place on a circle around it, in their order: nothing is left to chance."""
    shifted = {}
    for (x, y, *others), tasks in _together(points).items():
        for number, task in enumerate(tasks):
            angle, length = 2 * math.pi * number / len(tasks), SHIFT if len(tasks) > 1 else 0.0
            shifted[task] = (x + length * math.cos(angle), y + length * math.sin(angle), *others)
    return {task: shifted[task] for task in points}


def _solid(figure: Figure, tasks: _Tasks) -> None:
    axes: Any = figure.add_subplot(projection="3d")
    shifted = _shifted(tasks.points)
    for task, (x, y, z) in shifted.items():
        axes.plot([x, x], [y, y], [_limits(tasks, 2)[0], z], color=RULE, linewidth=0.8)
        draw_point(axes, (x, y, z), tasks.styles[task], 6, tasks.said[task])
    for number, axis in enumerate((axes.xaxis, axes.yaxis, axes.zaxis)):
        _ticks(axis, tasks, number, most=7)
        axis.set_pane_color((1, 1, 1, 0))
        axis._axinfo["grid"]["color"] = RULE
    axes.set(xlim=_limits(tasks, 0), ylim=_limits(tasks, 1), zlim=_limits(tasks, 2))
    axes.set_box_aspect(None, zoom=0.85)

    def plane(point: tuple[float, ...]) -> tuple[float, float]:
        across, up, _, scale = (axes.get_proj() @ (*point, 1)).tolist()
        return across / scale, up / scale

    names = {shown: plane(place) for place, shown in _shown(tasks.points, None if tasks.are_named else tasks.numbers)}
    name_points(axes, names, 3.7, 3.2, list(map(plane, shifted.values())))


def _shown(points: Mapping[str, Point], numbers: Mapping[str, int] | None) -> list[tuple[Point, str]]:
    """The label of each place, of all tasks there: a name on each line, or numbers."""
    return [
        (place, "\n".join(map(visible, tasks)) if numbers is None else numbers_of([numbers[task] for task in tasks]))
        for place, tasks in _together(points).items()
    ]


def _flat(axes: Axes, view: tuple[str, int, int], tasks: _Tasks) -> None:
    name, across, up = view
    places = {task: (point[across], point[up]) for task, point in tasks.points.items()}
    shifted = _shifted(places)
    for task, place in shifted.items():
        draw_point(axes, place, tasks.styles[task], 4.5, tasks.said[task])
    axes.set_title(name, fontsize=7.5)
    _ticks(axes.xaxis, tasks, across, most=4)
    _ticks(axes.yaxis, tasks, up, most=12)
    axes.set(xlim=_limits(tasks, across), ylim=_limits(tasks, up))
    axes.grid(linewidth=0.4)
    axes.set_axisbelow(True)
    axes.set_autoscale_on(False)
    names = {shown: place for place, shown in _shown(places, tasks.numbers)}
    name_points(axes, names, 0.95, 1.7 if tasks.are_named else 2.6, list(shifted.values()), size=6)


def _limits(tasks: _Tasks, dimension: int) -> tuple[float, float]:
    """The limits of an axis, with room for points that are shifted."""
    values = [point[dimension] for point in tasks.points.values()]
    return min(values) - 0.75, max(values) + 0.75


def _ticks(axis: Any, tasks: _Tasks, dimension: int, most: int) -> None:
    """Sets ticks at modules that occur, as many as have room."""
    values = sorted({point[dimension] for point in tasks.points.values()})
    found: list[int] = []
    for value in values:
        if not found or (value - found[-1]) * most >= values[-1] - values[0]:
            found.append(value)
    axis.set_ticks(found, [STOP if value == STOPPED else f"M{value}" for value in found], fontsize=6.5)
    axis.set_label_text(f"step {dimension + 1}", fontsize=7)
