"""The paths of tasks through a pool, side by side (Chen et al. 2018, Figure 4a).

A column for each step; a box for each module that some path takes there, as high as there are tasks in it; a line for
each task, from its name to Stop. Columns in place of the paper's one copy of each module: so no line runs back, and
twenty tasks can be followed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TypeAlias, final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from mtlkit.report.analysis.paths import Paths, action_name, in_words, steps_of
from mtlkit.report.charts import NAME
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.point_names import legend, styles_of
from mtlkit.report.charts.theme import ACCENT, MUTED, SURFACE
from mtlkit.report.parts import Chart, Table
from mtlkit.report.templating import titled

Box: TypeAlias = tuple[int, int | None]
"""A step, from 0, and a module, or None for Stop."""
LINE_HEIGHT = 0.17
"""The height of a task's line, in inches."""


@final
@dataclass(frozen=True)
class Lanes:
    """The places of boxes and lines, counted in lines from the top."""

    boxes: Mapping[Box, tuple[float, list[str]]]
    """The upper edge of each, step by step, and the tasks through it from top to bottom."""
    names: Mapping[str, float]
    """The place of each task's name."""
    height: float

    def points(self, task: str) -> list[tuple[float, float]]:
        """The points (step, line) at which the task goes through its boxes, in order."""
        return [
            (step, top + tasks.index(task) + 0.5) for (step, _), (top, tasks) in self.boxes.items() if task in tasks
        ]


def path_chart(paths: Paths, kinds: Mapping[str, str]) -> Chart:
    """A chart of the paths, in which tasks of one kind have one colour."""
    lanes = lanes_of(paths)
    steps = 1 + max((step for step, _ in lanes.boxes), default=0)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(-1.25, steps - 0.6)
        axes.set_ylim(lanes.height + 0.2, -1.2)
        for step in range(steps):
            axes.text(step, -0.7, f"step {step + 1}", ha="center", va="center", fontsize=7.5, color=MUTED)
        styles = styles_of({task: kinds[task] for task in paths})
        for task, path in paths.items():
            _line(axes, lanes, task, [probability for _, probability in steps_of(path)], styles[kinds[task]].colour)
            name = axes.text(-0.62, lanes.names[task], label(task, NAME), ha="right", va="center", fontsize=7.5)
            mark(name, f"{task}: {in_words(path)}")
        for (step, module), (top, tasks) in lanes.boxes.items():
            _box(axes, step, module, top, tasks)
        legend(figure, styles, as_lines=True)

    rows = tuple(
        (task, step, action_name(action), probability)
        for task, path in paths.items()
        for step, (action, probability) in enumerate(steps_of(path), 1)
    )
    data = Table(("task", "step", "action", "probability"), rows)
    return Chart(*titled("pool-paths"), data, draw, height=0.8 + LINE_HEIGHT * (lanes.height + 1))


def lanes_of(paths: Paths) -> Lanes:
    """Tasks whose paths begin alike stand together; in each column boxes lie in the order of the tasks through them."""
    order = sorted(paths, key=lambda task: paths[task].modules)
    columns: dict[int, dict[int | None, list[str]]] = {}
    for task in order:
        for step, (action, _) in enumerate(steps_of(paths[task])):
            columns.setdefault(step, {}).setdefault(action, []).append(task)
    height = max((len(order) + 0.6 * (len(column) - 1) for column in columns.values()), default=0.0)
    names = {task: (number + 0.5) * height / len(order) for number, task in enumerate(order)}
    boxes: dict[Box, tuple[float, list[str]]] = {}
    heights = dict(names)
    for step, column in sorted(columns.items()):
        gap = (height - sum(map(len, column.values()))) / (len(column) + 1)
        top = gap
        for action, tasks in sorted(column.items(), key=lambda box: fmean(heights[task] for task in box[1])):
            ranked = sorted(tasks, key=heights.__getitem__)
            boxes[step, action] = (top, ranked)
            heights.update({task: top + number + 0.5 for number, task in enumerate(ranked)})
            top += len(tasks) + gap
    return Lanes(boxes, names, height)


def _line(axes: Axes, lanes: Lanes, task: str, probabilities: Sequence[float | None], colour: str) -> None:
    """Draws a task's line from box to box, each part as wide as the step at its end is likely."""
    points = [(-0.6, lanes.names[task]), *lanes.points(task)]
    widths = [1.0 + 2.0 * (1.0 if probability is None else probability) for probability in probabilities]
    for ends, width in zip(pairwise(points), widths, strict=True):
        axes.add_patch(PathPatch(_curve(*ends), linewidth=width, edgecolor=colour, fill=False, alpha=0.75))


def _curve(start: tuple[float, float], end: tuple[float, float]) -> Path:
    """A curve between two points that is level at both ends."""
    third = (end[0] - start[0]) / 3
    level = [(start[0] + third, start[1]), (end[0] - third, end[1])]
    return Path([start, *level, end], [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


def _box(axes: Axes, step: int, module: int | None, top: float, tasks: Sequence[str]) -> None:
    is_stop = module is None
    box = Rectangle(
        (step - 0.2, top + 0.06),
        0.4,
        len(tasks) - 0.12,
        facecolor=SURFACE,
        edgecolor=MUTED if is_stop else ACCENT,
        linewidth=0.8,
        zorder=3,
    )
    if len(tasks) > 1:  # one alone is said at its name, and there may be many of them
        mark(box, f"{action_name(module)} at step {step + 1}: {', '.join(tasks)}")
    axes.add_patch(box)
    axes.text(step, top + len(tasks) / 2, action_name(module), ha="center", va="center", fontsize=7, zorder=4)
