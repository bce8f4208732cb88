"""The map of one kind of strengths: the drawing and, beside it, the matrix that is read."""

from collections.abc import Sequence

from mtlkit.report.analysis.strengths import Strengths, rounded
from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.charts.grid import grid_chart, known
from mtlkit.report.charts.network import network_chart, ring_order
from mtlkit.report.parts import Chart, View
from mtlkit.report.templating import render


def map_view(strengths: Strengths) -> View:
    """Nodes, rows and columns in one order; the matrix alone where all links are alike to the digits that are read, and
    there is nothing to see: lines are as wide as they are beside the widest."""
    order = ring_order(strengths)
    is_drawn = strengths.is_star or len({rounded(weight) for _, _, weight in strengths.links()}) > 1 or len(order) == 2
    network = network_chart(strengths, order) if is_drawn else None
    tasks = [name for name in order if name in strengths.tasks]
    sources = sorted(strengths.sources, key=lambda name: order.index(name) if name in order else len(order))
    numbers = [[_number(strengths, task, source) for source in sources] for task in tasks]
    markup = render(
        "map.html",
        network=network,
        svg=None if network is None else inline_svg(network),
        title="The same as a matrix" if network else strengths.title,
        meaning=strengths.meaning,
        corner="" if strengths.symmetric else f"task {strengths.relation} …",
        columns=sources,
        rows=[
            {"name": task, "cells": [_cell(number, _darkest(strengths)) for number in line]}
            for task, line in zip(tasks, numbers, strict=True)
        ],
    )
    matrix = _figure(strengths, tasks, sources, numbers)
    return View(markup, [matrix] if network is None else [network, matrix])


def _number(strengths: Strengths, task: str, source: str) -> float | None:
    return strengths.weights[strengths.tasks.index(task)][strengths.sources.index(source)]


def _darkest(strengths: Strengths) -> float:
    numbers = [abs(number) for line in strengths.weights for number in line if number is not None and known(number)]
    return max(numbers, default=0.0)


def _cell(number: float | None, largest: float) -> dict[str, object]:
    if number is None or not known(number):
        return {"text": "–" if number is None else "no number", "share": 0, "below": False}
    return {"text": rounded(number), "share": round(abs(number) / (largest or 1), 2), "below": number < 0}


def _figure(
    strengths: Strengths, tasks: Sequence[str], sources: Sequence[str], numbers: Sequence[Sequence[float | None]]
) -> Chart:
    return grid_chart(
        f"{strengths.name}-matrix",
        strengths.title,
        f"{strengths.meaning} Rows are tasks, columns what stands behind '{strengths.relation}'.",
        tasks,
        sources,
        numbers,
        heads=("task", "source", "strength"),
        sentence=strengths.sentence,
        largest=_darkest(strengths),
        columns_are="task" if strengths.symmetric else f"task {strengths.relation} …",
    )
