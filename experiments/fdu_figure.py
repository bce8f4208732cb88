"""All of FDU-MTL in one figure: `python experiments/fdu_figure.py` writes docs/results/fdu.svg.

Systems by their mean accuracy on the standard test set, from what is kept in docs/results/fdu; the same results give
the same bytes with one version of matplotlib. The figure brings its own light background, so that a dark page shows it
as well.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import fmean

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tables import FDU, TableRow

from mtlkit.comparison import read_record
from mtlkit.figures import AVERAGE
from mtlkit.figures import Figure as Score
from mtlkit.files import write_atomically

RESULTS = Path(__file__).parent.parent / "docs" / "results"
INK, MUTED, RULE, PAPER = "#1b1f24", "#57606a", "#d0d7de", "#ffffff"
STANDARD, CLEAN = "#0b5fbd", "#b3400a"
PAPERS = {"Liu": ("D", "#2b7a3d"), "Chen": ("s", "#8a3fb3"), "Liu 2017": ("^", "#8a6d00")}
"""Marker and colour of each paper's figures."""
SETTINGS = {
    "svg.hashsalt": "fdu",
    "svg.fonttype": "path",  # the same on every machine, whatever fonts it has
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": INK,
}
TITLE = "Systems on FDU-MTL: accuracy of each seed, on standard and on clean test texts, and as the papers print it"
ABOVE, BELOW = -0.17, 0.17


@dataclass(frozen=True)
class Drawn:
    """A row of the figure, in percent."""

    title: str
    standard: Sequence[float]
    clean: Sequence[float]
    papers: Sequence[tuple[str, float]]


def rows(results: Path) -> list[Drawn]:
    """The systems that have results, from the best to the worst."""
    found = []
    for system in FDU.systems:
        runs = [read_record(file).figures["test"] for file in sorted(results.glob(f"{system.name}-[0-9]*.json"))]
        if runs:
            standard, clean = (
                [100 * run[str(Score(AVERAGE, FDU.metric, each))] for run in runs] for each in (False, True)
            )
            found.append(Drawn(system.title, standard, clean, printed(system)))
    return sorted(found, key=lambda row: -fmean(row.standard))


def printed(system: TableRow) -> list[tuple[str, float]]:
    """The papers' figures of a system."""
    return [(paper, float(value)) for value, paper in re.findall(r"([\d.]+) \(([^)]+)\)", system.paper)]


def drawn(shown: Sequence[Drawn]) -> bytes:
    """The figure as SVG."""
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(8, 0.44 * len(shown) + 1.3), layout="constrained", facecolor=PAPER)
        axes = figure.subplots()
        for place, row in enumerate(shown):
            _draw(axes, place, row)
        axes.set_yticks(range(len(shown)), [f"{row.title} ({len(row.standard)})" for row in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("accuracy on test data, average of 16 tasks, in % (in brackets: number of seeds)")
        axes.spines[["top", "right", "left"]].set_visible(False)
        figure.legend(handles=_legend(), loc="outside upper center", ncols=5, frameon=False, fontsize=8)
        return _written(figure)


def _draw(axes: Axes, place: int, row: Drawn) -> None:
    """Standard figures above the line of a system, clean ones below, and the papers' on it."""
    axes.axhline(place + 0.5, color=RULE, linewidth=0.5)
    for values, offset, colour in ((row.standard, ABOVE, STANDARD), (row.clean, BELOW, CLEAN)):
        height = place + offset
        axes.plot(values, [height] * len(values), "o", color=colour, markersize=5, alpha=0.55, markeredgewidth=0)
        mean = fmean(values)
        axes.plot([mean, mean], [height - 0.17, height + 0.17], color=colour, linewidth=2)
    for paper, value in row.papers:
        marker, colour = PAPERS[paper]
        axes.plot([value], [place], marker, color=colour, markersize=5.5, fillstyle="none", markeredgewidth=1.4)


def _legend() -> list[Line2D]:
    ours = [
        Line2D([], [], color=colour, marker="o", markersize=5, linewidth=2, label=label)
        for colour, label in ((STANDARD, "ours, seeds and mean"), (CLEAN, "ours, clean texts"))
    ]
    return ours + [
        Line2D([], [], color=colour, marker=marker, fillstyle="none", linestyle="none", label=f"printed, {paper}")
        for paper, (marker, colour) in PAPERS.items()
    ]


def _written(figure: Figure) -> bytes:
    target = BytesIO()
    FigureCanvasSVG(figure).print_svg(target, metadata={"Title": TITLE, "Date": None, "Creator": None})
    lines = target.getvalue().decode().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines).encode()


if __name__ == "__main__":
    write_atomically(RESULTS / "fdu.svg", drawn(rows(RESULTS / "fdu")))
