"""How far away the shared positions are that words read.

Shapes: K tasks, O offsets.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import log

from matplotlib.figure import Figure

from mtlkit.report.charts.drawing import label, mark, name_rows
from mtlkit.report.charts.theme import ACCENT, OPPOSITE, RULE
from mtlkit.report.evidence import Evidence, Offsets
from mtlkit.report.parts import Chart, Section, Table
from mtlkit.report.templating import sentences, titled

STEEPEST = 0.1
"""The smallest difference, as a logarithm, that is drawn in full height; smaller ones mean next to nothing."""
LEAST = 0.01
"""The smallest ratio that is drawn, since there is no logarithm of zero."""


def section(evidence: Evidence) -> Section | None:
    """One chart of all tasks whose words read positions."""
    by_task = {task: seen.offsets for task, seen in evidence.observed.items() if seen.offsets is not None}
    if not by_task:
        return None
    reach = next(iter(by_task.values())).reach
    ratios = {task: _ratios(seen) for task, seen in by_task.items()}
    rows = tuple(zip(range(-reach, reach + 1), *ratios.values(), strict=True))
    data = Table(("offset", *by_task), rows, "How many times as much as if all were read alike")
    draw, height = partial(_draw, ratios, reach), 0.7 + 0.32 * len(by_task)
    chart = Chart(*titled("distances", reach=reach), data, draw, height)
    shares = Table(
        ("task", "before", "the word itself", "after"),
        tuple(
            (task, f"{seen.before:.0%}", f"{seen.weights[reach]:.1%}", f"{seen.after:.0%}")
            for task, seen in by_task.items()
        ),
        "Shares of the weight",
    )
    return Section("distances", "How far words read", sentences("distances"), [chart, shares])


def _draw(ratios: Mapping[str, Sequence[float | None]], reach: int, figure: Figure) -> None:
    axes = figure.add_subplot()
    heights = [[0.0 if ratio is None else log(max(ratio, LEAST)) for ratio in row] for row in ratios.values()]
    steepest = max(STEEPEST, *(abs(height) for row in heights for height in row))
    offsets = range(-reach, reach + 1)
    for place, (task, row) in enumerate(zip(ratios, heights, strict=True)):
        for colour, sign in ((ACCENT, 1), (OPPOSITE, -1)):
            ends = [place - 0.45 * sign * max(sign * height, 0.0) / steepest for height in row]
            axes.fill_between(offsets, place, ends, step="mid", color=colour, linewidth=0)
        (line,) = axes.plot([-reach, reach], [place, place], color=RULE, linewidth=0.6, zorder=0)
        mark(line, f"{task}: {_told(ratios[task], reach)}")
    name_rows(axes, list(map(label, ratios)))
    axes.set_xlim(-reach - 0.5, reach + 0.5)
    axes.set_xlabel("offset from the word")
    axes.spines["bottom"].set_visible(False)


def _ratios(offsets: Offsets) -> list[float | None]:
    """The weights as multiples of the uniform ones; None where no text is long enough."""
    return [
        weight / uniform if uniform > 0 else None
        for weight, uniform in zip(offsets.weights, offsets.uniform, strict=True)
    ]


def _told(row: Sequence[float | None], reach: int) -> str:
    numbers = {place - reach: ratio for place, ratio in enumerate(row) if ratio is not None}
    ends = {"most": max(numbers, key=numbers.__getitem__), "least": min(numbers, key=numbers.__getitem__)}
    return ", ".join(f"{end} at {offset:+d}, {numbers[offset]:.2f} times as much" for end, offset in ends.items())
