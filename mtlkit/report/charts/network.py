"""Tasks as nodes around an ellipse, and what links them as edges.

Shapes: K nodes.
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from mtlkit.report.analysis.strengths import Strengths, rounded
from mtlkit.report.charts import NAME
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.theme import ACCENT, INK, MUTED, OPPOSITE, SURFACE
from mtlkit.report.parts import Chart, Table
from mtlkit.report.templating import sentences

MOST_EDGES = 40
"""The largest number of edges that are drawn; more could not be told apart."""

Place: TypeAlias = tuple[float, float]


def network_chart(strengths: Strengths, order: Sequence[str]) -> Chart:
    """A chart of nodes in this order. Of many edges the strongest are drawn, and the caption says how many."""
    links = strengths.links()
    drawn = [link for link in links if link[2]][:MOST_EDGES]
    caption = sentences(
        "network",
        weights=[weight for *_, weight in drawn],
        ends="each pair once" if strengths.symmetric else strengths.arrow,
        num_links=len(links),
        rounded=rounded,
    )
    places = ellipse(order)
    if strengths.is_star:
        places |= {name: (0.0, height) for name, height in _column(strengths.sources)}

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(-1.85, 1.85)
        highest = max((abs(height) for _, height in places.values()), default=0) + 0.2
        axes.set_ylim(-highest, highest)
        for task, source, weight in reversed(drawn):
            _edge(axes, strengths, (places[source], places[task]), task, source, weight)
        for name, place in places.items():
            _node(axes, name, place, is_task=name in strengths.tasks)

    data = Table(("task", "source", "strength"), tuple(links))
    height = min(4.6, max(2.2, 0.75 + 0.19 * len(order)))
    return Chart(f"{strengths.name}-network", strengths.title, caption, data, draw, height=height)


def ring_order(strengths: Strengths) -> tuple[str, ...]:
    """All tasks and sources, so that strongly linked ones stand near each other; a star's tasks as they are.

    The order is that of the leaves of a tree of clusters (average linkage), turned so that neighbours are linked most
    strongly (Bar-Joseph et al. 2001). Where all are linked alike, they stay as they are.
    """
    if strengths.is_star:
        return strengths.tasks
    names = list(dict.fromkeys([*strengths.tasks, *strengths.sources]))
    weights_KK = np.zeros((len(names), len(names)))
    for task, source, weight in strengths.links():
        weights_KK[names.index(task), names.index(source)] += weight
    weights_KK += weights_KK.T
    distances = squareform(weights_KK.max() - weights_KK, checks=False)
    if not distances.any():
        return tuple(names)
    places = leaves_list(optimal_leaf_ordering(linkage(distances, "average"), distances)).tolist()
    # Both directions are as good; this one begins with what comes first in the experiment.
    return tuple(names[place] for place in (places if places[0] < places[-1] else reversed(places)))


def ellipse(names: Sequence[str]) -> dict[str, Place]:
    """Places names clockwise in their order, in rows of equal height, so that none lies on another."""
    half = math.ceil(len(names) / 2)
    places = {}
    for side, sign in ((names[:half], 1), (names[half:], -1)):
        for name, height in _column(side):
            places[name] = (sign * (0.35 + 0.45 * math.sqrt(1 - height**2)), sign * height)
    return places


def _column(names: Sequence[str]) -> list[tuple[str, float]]:
    """Heights from the top, 1, to the bottom, -1, as far from each other."""
    return [(name, 1 - (2 * number + 1) / len(names)) for number, name in enumerate(names)]


def _edge(axes: Axes, strengths: Strengths, ends: tuple[Place, Place], task: str, source: str, weight: float) -> None:
    share = abs(weight) / strengths.largest
    bend = 0.0 if strengths.is_star else _bend(*ends, straight=strengths.symmetric)
    edge = FancyArrowPatch(
        *ends,
        arrowstyle="-" if strengths.symmetric else "-|>",
        mutation_scale=5 + 5 * share,
        connectionstyle=f"arc3,rad={bend}",
        shrinkA=4,
        shrinkB=5,
        linewidth=0.6 + 3 * share,
        linestyle="-" if weight > 0 else (0, (3, 2)),
        color=ACCENT if weight > 0 else OPPOSITE,
        alpha=0.15 + 0.75 * share,
    )
    mark(edge, strengths.sentence(task, source, weight))
    axes.add_patch(edge)


def _bend(start: Place, end: Place, *, straight: bool) -> float:
    """The bend of an edge: inwards along a side, so that it does not run through the nodes between. Otherwise two edges
    of opposite directions are bent apart, if they are not `straight`."""
    upwards = math.copysign(1, end[1] - start[1])
    if start[0] * end[0] > 0:
        inwards = -upwards if start[0] > 0 else upwards
        return inwards * (0.3 if straight or upwards > 0 else 0.18)
    return 0.0 if straight else 0.12


def _node(axes: Axes, name: str, place: Place, *, is_task: bool) -> None:
    across, up = place
    shape, size, inside = ("o", 6, INK) if is_task else ("s", 8, SURFACE)
    axes.plot(across, up, shape, markersize=size, markerfacecolor=inside, markeredgecolor=INK)
    shown = label(name, NAME)
    if across == 0:
        text = axes.text(0, up - 0.14, shown, ha="center", va="top", color=MUTED, fontsize=8)
        text.set_bbox({"facecolor": SURFACE, "edgecolor": "none", "pad": 1})
        return
    away = math.copysign(0.1, across)
    text = axes.text(across + away, up, shown, ha="left" if away > 0 else "right", va="center", fontsize=8)
    if shown != name:
        mark(text, name)
