"""Learning curves: a small panel for each task, since many lines in one panel could not be told apart."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlkit.figures import AVERAGE
from mtlkit.report.analysis.scores import kept_in_words, kept_places, scores_of
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.theme import INK, MUTED, RULE, SERIES
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Chart, Section, Table
from mtlkit.report.templating import sentences, titled

PANEL = 0.92
"""The height of a panel, in inches."""
LETTERS = 52
"""The number of letters for which the titles of a row of panels have room together."""


@final
@dataclass(frozen=True)
class Curve:
    """One line, which may have gaps."""

    name: str
    values: Mapping[int, float]
    """The numbers by epoch, counted over all stages."""
    kept: int | None
    """The epoch whose weights serve the task, if the curve has it; None for an average of tasks with different ones."""

    def said(self, best: int) -> str:
        """The curve in words: its first value, its best, the one that was kept, and its last."""

        def at(epoch: int) -> str:
            return f"{self.values[epoch]:.3g} in epoch {epoch}"

        kept = f", {at(self.kept)}, whose weights were kept" if self.kept else ""
        return f"{self.name}: from {at(min(self.values))} to {at(max(self.values))}, {at(best)} at best{kept}"


def section(evidence: Evidence) -> Section | None:
    """Dev scores and training losses by epoch; None of an archive alone."""
    stages: dict[str, int] = {}
    for number, line in enumerate(evidence.log, 1):
        stages.setdefault(str(line.get("stage", "")), number)
    between = [first - 0.5 for first in stages.values()][1:]
    charts = [*_dev(evidence, between), *_losses(evidence, between)]
    if not charts:
        return None
    selection = evidence.experiment.trainer.selection.type
    said = sentences("curves", kept=kept_in_words(evidence), selection=selection, stages=list(stages))
    return Section("curves", "Learning curves", said, charts)


def _dev(evidence: Evidence, between: Sequence[float]) -> list[Chart]:
    scores = scores_of(evidence)
    owners = [*([AVERAGE] if len(scores.headlines) > 1 else []), *scores.headlines]
    curves = _curves(evidence, "dev", {owner: scores.name(owner) for owner in owners}, scale=100)
    metrics = {str(metric).replace("_", " ") for metric in scores.headlines.values()}
    what = metrics.pop() if len(metrics) == 1 else "score"
    draw = partial(_draw, curves, between, f"{what}, percent", True)
    return _chart(titled("dev-scores", what=what), curves, draw)


def _losses(evidence: Evidence, between: Sequence[float]) -> list[Chart]:
    curves = _curves(evidence, "train", {task: f"{task}/loss" for task in evidence.experiment.tasks})
    return _chart(titled("train-losses"), curves, partial(_draw, curves, between, "loss", False))


def _curves(evidence: Evidence, part: str, figures: Mapping[str, str], scale: float = 1) -> list[Curve]:
    """The curves of these figures, by task or average, where this part of the log has them."""
    kept: dict[str, int | None] = {task: place + 1 for task, place in kept_places(evidence).items()}
    if len(set(kept.values())) == 1:
        kept[AVERAGE] = next(iter(kept.values()))
    lines = [(epoch, line.get(part, {})) for epoch, line in enumerate(evidence.log, 1)]
    values = {
        owner: {epoch: scale * found[name] for epoch, found in lines if name in found}
        for owner, name in figures.items()
    }
    return [
        Curve(owner, found, epoch if (epoch := kept.get(owner)) in found else None)
        for owner, found in values.items()
        if found
    ]


def _chart(named: tuple[str, str, str], curves: Sequence[Curve], draw: Callable[[Figure], None]) -> list[Chart]:
    """The chart; none where there are no curves."""
    epochs = sorted({epoch for curve in curves for epoch in curve.values})
    rows = tuple((epoch, *(curve.values.get(epoch) for curve in curves)) for epoch in epochs)
    data = Table(("epoch", *(curve.name for curve in curves)), rows)
    height = max(0.45 + PANEL * math.ceil(len(curves) / _columns(len(curves))), 1.6)
    return [Chart(*named, data, draw, height)] if curves else []


def _draw(curves: Sequence[Curve], between: Sequence[float], number: str, highest: bool, figure: Figure) -> None:
    columns = min(_columns(len(curves)), len(curves))
    grid = figure.subplots(math.ceil(len(curves) / columns), columns, sharex=True, sharey=True, squeeze=False)
    for axes, curve in zip_longest(grid.flat, curves):
        if curve is None:
            axes.set_visible(False)
            continue
        axes.set_title(label(curve.name, LETTERS // columns), fontsize=7.5, loc="left", pad=3, color=INK)
        _panel(axes, curve, between, highest)
    for axes in grid[-1]:
        axes.locator_params(axis="x", nbins=3, integer=True)
    for column in grid.T:
        [axes for axes in column if axes.get_visible()][-1].tick_params(labelbottom=True)
    figure.supxlabel("epoch", fontsize=8, color=MUTED)
    figure.supylabel(number, fontsize=8, color=MUTED)


def _panel(axes: Axes, curve: Curve, between: Sequence[float], highest: bool) -> None:
    epochs = sorted(curve.values)
    colour = INK if curve.name == AVERAGE else SERIES[0]
    (line,) = axes.plot(epochs, [curve.values[epoch] for epoch in epochs], color=colour, solid_capstyle="round")
    best = (max if highest else min)(epochs, key=lambda epoch: curve.values[epoch])
    if curve.kept:
        axes.plot(curve.kept, curve.values[curve.kept], "o", color=colour, markersize=4.5, clip_on=False)
    if highest and curve.values.get(curve.kept or 0) != curve.values[best]:
        axes.plot(best, curve.values[best], "o", color=colour, markersize=5, fillstyle="none", clip_on=False)
    mark(line, curve.said(best))
    for place in between:
        axes.axvline(place, color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)))
    axes.tick_params(labelsize=7, length=2, color=RULE)
    axes.locator_params(axis="y", nbins=3)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_color(RULE)


def _columns(num_panels: int) -> int:
    """The number of columns: two to four, so that there are about as many rows."""
    return min(max(math.ceil(math.sqrt(num_panels)), 2), 4)
