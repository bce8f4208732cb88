"""Names beside points, so that few of them lie on each other, and a legend of kinds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from mtlkit.report.charts import NAME
from mtlkit.report.drawing import label
from mtlkit.report.theme import SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "ov*xD^s"
"""By kind of task; the first four are those of Chen et al. 2018, Figure 5, for POS, chunks, entities and roles."""
SIZE = 7.0
"""Of a name, in points; a character is 0.6 as wide as that."""


class Style(NamedTuple):
    """Of the points of a kind."""

    marker: str
    colour: str


class Room(NamedTuple):
    """A rectangle, in points from the lower left corner."""

    left: float
    low: float
    right: float
    high: float

    def overlap(self, other: "Room") -> float:
        """The area that both have."""
        across = min(self.right, other.right) - max(self.left, other.left)
        up = min(self.high, other.high) - max(self.low, other.low)
        return max(across, 0.0) * max(up, 0.0)


def styles_of(kinds: Mapping[str, str]) -> dict[str, Style]:
    """By kind, in the order in which they are met."""
    found = dict.fromkeys(kinds.values())
    return {kind: Style(MARKERS[place], SERIES[place]) for place, kind in enumerate(found)}


def name_points(axes: "Axes", points: Mapping[str, Sequence[float]], width: float, height: float) -> None:
    """Each name right, left, above or below of its point: where it lies on least of what is there already.

    Args:
        axes: with the points' data coordinates, in limits that will not change.
        points: (x, y) by name.
        width, height: of the axes, in inches, as near as they are known.
    """
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    scale = (72 * width / (right - left), 72 * height / (high - low))
    places = {name: ((x - left) * scale[0], (y - low) * scale[1]) for name, (x, y) in points.items()}
    taken = [Room(x - 4, y - 4, x + 4, y + 4) for x, y in places.values()]
    whole = Room(0, 0, 72 * width, 72 * height)
    for name, (x, y) in places.items():
        shown = label(name, NAME)
        room, move = min(_rooms(x, y, len(shown)), key=lambda each: _cost(each[0], taken, whole))
        taken.append(room)
        side: Literal["left", "right", "center"] = "left" if move[0] > 0 else "right" if move[0] < 0 else "center"
        x, y = points[name]
        axes.annotate(shown, (x, y), xytext=move, textcoords="offset points", fontsize=SIZE, ha=side, va="center")


def legend(figure: "Figure", styles: Mapping[str, Style], *, as_lines: bool = False) -> None:
    """What marker, or line, stands for what kind, where there is more than one."""
    from matplotlib.lines import Line2D

    if len(styles) < 2:
        return
    handles = [
        Line2D(
            [],
            [],
            marker="" if as_lines else style.marker,
            linestyle="-" if as_lines else "",
            color=style.colour,
            label=label(kind, NAME),
        )
        for kind, style in styles.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=SIZE)


def _rooms(x: float, y: float, length: int) -> list[tuple[Room, tuple[float, float]]]:
    wide, tall = 0.6 * SIZE * length, SIZE + 1
    moves = [(7, 0), (-7, 0), (0, 9), (0, -9), (5, 8), (5, -8), (-5, 8), (-5, -8), (0, 17), (0, -17)]
    rooms = []
    for across, up in moves:
        left = x + across - (0 if across > 0 else wide if across < 0 else wide / 2)
        rooms.append((Room(left, y + up - tall / 2, left + wide, y + up + tall / 2), (float(across), float(up))))
    return rooms


def _cost(room: Room, taken: Sequence[Room], whole: Room) -> float:
    """What it lies on, and what of it is outside."""
    area = (room.right - room.left) * (room.high - room.low)
    return sum(room.overlap(other) for other in taken) + area - room.overlap(whole)
