"""Points of tasks: markers by kind, names beside them so that few lie on each other, a legend and a key of numbers."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mtlkit.experiment import TaskSettings
from mtlkit.report.charts import NAME
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.theme import MUTED, SERIES

MARKERS = "ov*xD^s"
"""Markers by kind of task; the first four are those of Chen et al. 2018, Figure 5, for POS, chunks, entities and
roles."""
SIZE = 7.0
"""The size of a name in points; a character is 0.6 as wide."""
KEY_SIZE = 6.5
FAR = 18.0
"""The distance, in points, from which on a line, the `LEADER`, leads from a name to its point."""
LEADER = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 1}


class Style(NamedTuple):
    """How points of a kind are drawn."""

    marker: str
    colour: str


class Room(NamedTuple):
    """A rectangle, in points from the lower left corner."""

    left: float
    low: float
    right: float
    high: float

    def overlap(self, other: "Room") -> float:
        """The area that two rectangles share."""
        across = min(self.right, other.right) - max(self.left, other.left)
        up = min(self.high, other.high) - max(self.low, other.low)
        return max(across, 0.0) * max(up, 0.0)


def styles_of(kinds: Mapping[str, str]) -> dict[str, Style]:
    """A style for each kind, in the order in which kinds are met."""
    found = dict.fromkeys(kinds.values())
    return {kind: Style(MARKERS[place], SERIES[place]) for place, kind in enumerate(found)}


def draw_point(axes: Axes, place: Sequence[float], style: Style, size: float, said: str) -> None:
    """Draws a point of a task, in the plane or in space, and says what it stands for."""
    (point,) = axes.plot(
        *([number] for number in place), marker=style.marker, color=style.colour, markersize=size, linestyle=""
    )
    mark(point, said)


def name_points(
    axes: Axes,
    points: Mapping[str, Sequence[float]],
    width: float,
    height: float,
    drawn: Sequence[Sequence[float]] | None = None,
    size: float = SIZE,
) -> None:
    """Writes each name beside its point, where it covers least of what is there already, with a line if that is far.

    Not by adjustText (1.4), which puts many names of such charts onto their own markers.

    Args:
        axes: with the points' plane coordinates, in limits that will not change.
        points: (x, y) by name, which may have several lines.
        width, height: of the axes, in inches, as near as they are known.
        drawn: (x, y) of what is drawn, where that are not the points themselves.
        size: of the names, in points.
    """
    (left, right), (low, high) = sorted(axes.viewLim.intervalx), sorted(axes.viewLim.intervaly)
    scale = (72 * width / (right - left), 72 * height / (high - low))

    def inked(point: Sequence[float]) -> tuple[float, float]:
        return (point[0] - left) * scale[0], (point[1] - low) * scale[1]

    taken = [Room(x - 4, y - 4, x + 4, y + 4) for x, y in map(inked, drawn or points.values())]
    whole = Room(0, 0, 72 * width, 72 * height)
    for name, point in points.items():
        shown = "\n".join(label(line, NAME) for line in name.split("\n"))
        room, move = min(_rooms(*inked(point), shown, size), key=lambda each: _cost(each[0], each[1], taken, whole))
        taken.append(room)
        axes.annotate(
            shown,
            (point[0], point[1]),
            xytext=move,
            textcoords="offset points",
            fontsize=size,
            ha="left" if move[0] > 0 else "right" if move[0] < 0 else "center",
            va="center",
            linespacing=1.1,
            arrowprops=LEADER if math.hypot(*move) > FAR else None,
        )


def number_key(figure: Figure, look: Mapping[str, Style], kinds: Mapping[str, str]) -> None:
    """Adds a key of the numbers: each task with its marker and, where its name does not end in it, its kind."""
    handles = [
        Line2D([], [], marker=style.marker, markersize=4, linestyle="", color=style.colour, label=name)
        for name, style in zip(_key_names(kinds), look.values(), strict=True)
    ]
    columns = _key_columns(kinds)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=KEY_SIZE, handletextpad=0.1)


def key_height(kinds: Mapping[str, str]) -> float:
    """The height of the key of numbers, in inches."""
    return 0.1 + 0.13 * -(-len(kinds) // _key_columns(kinds))


def numbers_of(ranks: Sequence[int]) -> str:
    """Numbers as in `1-3, 7`, in short lines."""
    found = groupby(enumerate(sorted(ranks)), key=lambda each: each[1] - each[0])
    runs = ([rank for _, rank in run] for _, run in found)
    return fill(", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs), 9)


def legend(figure: Figure, styles: Mapping[str, Style], *, as_lines: bool = False) -> None:
    """Adds a legend of the kinds' markers, or lines, where there is more than one kind."""
    if len(styles) < 2:
        return
    handles = [
        Line2D([], [], marker="" if as_lines else marker, linestyle="-" if as_lines else "", color=colour, label=kind)
        for kind, (marker, colour) in ((label(kind, NAME), style) for kind, style in styles.items())
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=SIZE)


def _key_names(kinds: Mapping[str, str]) -> list[str]:
    several = len(set(kinds.values())) > 1
    return [
        f"{number} {label(task, NAME)}" + (f" ({label(kind, NAME)})" if several and not task.endswith(kind) else "")
        for number, (task, kind) in enumerate(kinds.items(), 1)
    ]


def _key_columns(kinds: Mapping[str, str]) -> int:
    """The number of columns for which a phone has room."""
    return max(1, min(4, int(265 / (0.55 * KEY_SIZE * max(map(len, _key_names(kinds))) + 20))))


def _rooms(x: float, y: float, shown: str, size: float) -> list[tuple[Room, tuple[float, float]]]:
    lines = shown.split("\n")
    wide, tall = 0.6 * size * max(map(len, lines)), (size + 1) * len(lines)
    half = (tall - size - 1) / 2
    near = [(7, 0), (-7, 0), (0, 9), (0, -9), (5, 8), (5, -8), (-5, 8), (-5, -8), (0, 17), (0, -17)]
    far = [(side * across, up) for across in (14, 24, 36) for up in (0, 10, -10, 20, -20, 30, -30) for side in (1, -1)]
    rooms = []
    for across, up in near + far:
        left = x + across - (0 if across > 0 else wide if across < 0 else wide / 2)
        middle = up + half * ((up > 0) - (up < 0))
        rooms.append((Room(left, y + middle - tall / 2, left + wide, y + middle + tall / 2), (float(across), middle)))
    return rooms


def _cost(room: Room, move: tuple[float, float], taken: Sequence[Room], whole: Room) -> float:
    """The cost of a place: the area it covers, the area outside of the axes, and a little for being far away."""
    area = (room.right - room.left) * (room.high - room.low)
    return sum(room.overlap(other) for other in taken) + area - room.overlap(whole) + math.hypot(*move) / 4


def kinds_of(tasks: Mapping[str, TaskSettings]) -> dict[str, str]:
    """The kind of each task.

    Where all names end in `_` and a word, and at least two tasks share theirs, it is that word: `weblog_pos` is of the
    kind `pos`. Else it is the type of the task's head. More kinds than there are colours are one kind, the empty one.
    """
    endings = {task: task.rpartition("_")[2] if "_" in task else "" for task in tasks}
    named = all(endings.values()) and len(set(endings.values())) < len(tasks)
    kinds = endings if named else {task: settings.head.type for task, settings in tasks.items()}
    return kinds if len(set(kinds.values())) <= len(SERIES) else dict.fromkeys(tasks, "")
