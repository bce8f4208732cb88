"""Learning curves: a small panel for each task, since many lines in one panel could not be told apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlkit.figures import AVERAGE
from mtlkit.report.analysis.scores import kept_in_words, kept_places, scores_of
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.theme import INK, MUTED, RULE, SERIES
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Chart, Section, Table

COLUMNS = {4: 2, 9: 3, 1_000: 4}
"""The number of columns for at most so many panels."""
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
    """The epoch whose weights serve the task; None for an average of tasks with different such epochs."""

    def said(self, best: int) -> str:
        """The curve in words: its first value, its best, the one that was kept, and its last."""
        first, last = min(self.values), max(self.values)
        middle = f", {_number(self.values[best])} in epoch {best} at best"
        if self.kept is not None and self.kept in self.values:
            middle += f", {_number(self.values[self.kept])} in epoch {self.kept}, whose weights were kept"
        ends = f"from {_number(self.values[first])} in epoch {first} to {_number(self.values[last])} in epoch {last}"
        return f"{self.name}: {ends}{middle}"


@final
@dataclass(frozen=True)
class Stage:
    """A part of training with a trainer of its own."""

    name: str
    first: int
    """Its first epoch, counted over all stages."""


def section(evidence: Evidence) -> Section | None:
    """Dev scores and training losses by epoch; None of an archive alone."""
    if not evidence.log:
        return None
    stages = _stages(evidence.log)
    charts = [chart for chart in (_dev(evidence, stages), _losses(evidence, stages)) if chart is not None]
    chosen_by = evidence.experiment.trainer.selection.type
    lead = (
        "How each task came to its score. A panel is a task, all panels of a chart have the same axes. The dot is "
        f"the epoch whose weights were kept ({kept_in_words(evidence)}, chosen by the selection '{chosen_by}'): the "
        "archive and the test scores are of it. A ring is the best epoch of the task or average itself, where that is "
        "another one. A dev score that falls while the loss still falls is a sign of overfitting."
    )
    if len(stages) > 1:
        lead += f" The stages {', '.join(stage.name for stage in stages)} follow each other, with a line between them."
    return Section("curves", "Learning curves", lead, charts) if charts else None


def _dev(evidence: Evidence, stages: Sequence[Stage]) -> Chart | None:
    scores, kept = scores_of(evidence), _kept(evidence)
    owners = [*([AVERAGE] if len(scores.headlines) > 1 else []), *scores.headlines]
    curves = []
    for owner in owners:
        values = _values(evidence.log, "dev", scores.name(owner))
        if values:
            curves.append(Curve(owner, {number: 100 * value for number, value in values.items()}, kept.get(owner)))
    metrics = {str(metric).replace("_", " ") for metric in scores.headlines.values()}
    what = metrics.pop() if len(metrics) == 1 else "score"
    caption = f"The {what} on dev texts in percent, by epoch."
    return _chart("dev-scores", f"Dev {what} by task", caption, curves, stages, number=f"{what}, percent", highest=True)


def _losses(evidence: Evidence, stages: Sequence[Stage]) -> Chart | None:
    kept = _kept(evidence)
    values = {task: _values(evidence.log, "train", f"{task}/loss") for task in evidence.experiment.tasks}
    curves = [Curve(task, found, kept.get(task)) for task, found in values.items() if found]
    caption = "The mean loss on training texts during an epoch, dropout and auxiliary losses included, by epoch."
    return _chart("train-losses", "Training loss by task", caption, curves, stages, number="loss", highest=False)


def _values(log: Sequence[Mapping[str, Any]], part: str, name: str) -> dict[int, float]:
    """The values of a figure by epoch, counted over all stages."""
    return {number: line[part][name] for number, line in enumerate(log, 1) if name in line.get(part, {})}


def _chart(
    name: str,
    title: str,
    caption: str,
    curves: Sequence[Curve],
    stages: Sequence[Stage],
    *,
    number: str,
    highest: bool,
) -> Chart | None:
    if not curves:
        return None
    epochs = sorted({epoch for curve in curves for epoch in curve.values})
    rows = tuple((epoch, *(curve.values.get(epoch) for curve in curves)) for epoch in epochs)
    num_rows = math.ceil(len(curves) / _columns(len(curves)))
    return Chart(
        name=name,
        title=title,
        caption=caption,
        data=Table(("epoch", *(curve.name for curve in curves)), rows),
        draw=partial(_draw, curves, stages, number, highest),
        height=max(0.45 + PANEL * num_rows, 1.6),
    )


def _draw(curves: Sequence[Curve], stages: Sequence[Stage], number: str, highest: bool, figure: Figure) -> None:
    columns = min(_columns(len(curves)), len(curves))
    grid = figure.subplots(math.ceil(len(curves) / columns), columns, sharex=True, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for axes, curve in zip(panels, curves, strict=False):
        axes.set_title(label(curve.name, LETTERS // columns), fontsize=7.5, loc="left", pad=3, color=INK)
        _panel(axes, curve, stages, highest)
    for axes in panels[len(curves) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.locator_params(axis="x", nbins=3, integer=True)
    for column in range(columns):
        below = [row[column] for row in grid if row[column].get_visible()]
        below[-1].tick_params(labelbottom=True)
    figure.supxlabel("epoch", fontsize=8, color=MUTED)
    figure.supylabel(number, fontsize=8, color=MUTED)


def _panel(axes: Axes, curve: Curve, stages: Sequence[Stage], highest: bool) -> None:
    epochs = sorted(curve.values)
    colour = INK if curve.name == AVERAGE else SERIES[0]
    (line,) = axes.plot(epochs, [curve.values[epoch] for epoch in epochs], color=colour, solid_capstyle="round")
    best = (max if highest else min)(epochs, key=lambda epoch: curve.values[epoch])
    if curve.kept is not None and curve.kept in curve.values:
        axes.plot(curve.kept, curve.values[curve.kept], "o", color=colour, markersize=4.5, clip_on=False)
    if highest and curve.values.get(curve.kept or 0) != curve.values[best]:
        axes.plot(best, curve.values[best], "o", color=colour, markersize=5, fillstyle="none", clip_on=False)
    mark(line, curve.said(best))
    for stage in stages[1:]:
        axes.axvline(stage.first - 0.5, color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)))
    axes.tick_params(labelsize=7, length=2, color=RULE)
    axes.locator_params(axis="y", nbins=3)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_color(RULE)


def _kept(evidence: Evidence) -> dict[str, int]:
    """The epoch, counted over all stages, whose weights each task, and the average if all have one, was left with."""
    kept = {task: place + 1 for task, place in kept_places(evidence).items()}
    epochs = set(kept.values())
    return {**kept, AVERAGE: epochs.pop()} if len(epochs) == 1 else kept


def _stages(log: Sequence[Mapping[str, object]]) -> list[Stage]:
    stages: list[Stage] = []
    for number, line in enumerate(log, 1):
        name = str(line.get("stage", ""))
        if not stages or stages[-1].name != name:
            stages.append(Stage(name, number))
    return stages


def _columns(num_panels: int) -> int:
    return next((columns for most, columns in COLUMNS.items() if num_panels <= most), 5)


def _number(value: float) -> str:
    return f"{value:.3g}"
