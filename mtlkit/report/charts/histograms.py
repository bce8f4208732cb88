"""How likely each module was at each step (Chen et al. 2018, Figure 4b)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias

from matplotlib.figure import Figure

from mtlkit.report.analysis.paths import STOP, Paths, action_name
from mtlkit.report.charts import NAME
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.grid import grid_chart
from mtlkit.report.charts.theme import ACCENT, MUTED
from mtlkit.report.parts import Chart, Table
from mtlkit.report.templating import titled

Policies: TypeAlias = Mapping[str, Sequence[Sequence[float]]]
"""The probability of each action at each step, by task."""
MOST_BARS = 60
"""The largest number of bars, which have a tooltip each; more numbers are drawn as cells, a chart for each step."""


def histogram_charts(paths: Paths) -> list[Chart]:
    """Bars for each task and step, as in the paper; a grid for each step where there are many tasks or modules."""
    policies = {task: path.policy_SA or () for task, path in paths.items()}
    steps = max(map(len, policies.values()), default=0)
    actions = max((len(policy_A) for policy_SA in policies.values() for policy_A in policy_SA), default=0)
    if not steps or not actions:
        return []
    names = [*map(action_name, range(actions - 1)), STOP]
    if len(policies) * steps * actions <= MOST_BARS or (len(policies) <= 4 and actions <= 8):
        return [_bars(policies, steps, names)]
    return [_cells(policies, step, names) for step in range(steps)]


def _sentence(task: str, action: str, probability: float, step: int) -> str:
    return f"{task}, step {step + 1}: {action} {probability:.2f}"


def _bars(policies: Policies, steps: int, names: Sequence[str]) -> Chart:
    def draw(figure: Figure) -> None:
        axes_KS = figure.subplots(len(policies), steps, sharex=True, sharey=True, squeeze=False)
        for row, (task, policy_SA) in zip(axes_KS, policies.items(), strict=True):
            for axes in row:
                axes.set_ylim(0, 1)
                axes.set_yticks([0, 1], ["0", "1"], fontsize=6.5)
                axes.set_xticks(range(len(names)), names, fontsize=6.5, rotation=90)
            for step, (axes, policy_A) in enumerate(zip(row, policy_SA, strict=False)):
                for place, probability in enumerate(policy_A):
                    bar = axes.bar([place], [probability], color=ACCENT, width=0.8)[0]
                    mark(bar, _sentence(task, names[place], probability, step))
            row[0].set_ylabel(label(task, NAME), fontsize=7.5, rotation=0, ha="right", va="center")
        for step, axes in enumerate(axes_KS[0], 1):
            axes.set_title(f"step {step}", fontsize=7.5, color=MUTED)

    rows = tuple(
        (task, step, name, probability)
        for task, policy_SA in policies.items()
        for step, policy_A in enumerate(policy_SA, 1)
        for name, probability in zip(names, policy_A, strict=True)
    )
    data = Table(("task", "step", "action", "probability"), rows)
    return Chart(*titled("pool-steps"), data, draw, height=0.6 + 0.55 * len(policies))


def _cells(policies: Policies, step: int, names: Sequence[str]) -> Chart:
    there = {task: policy_SA[step] for task, policy_SA in policies.items() if len(policy_SA) > step}
    name, title, caption = titled("pool-step", step=step + 1)
    return grid_chart(
        f"{name}-{step + 1}",
        title,
        caption,
        list(there),
        names,
        list(there.values()),
        heads=("task", "action", "probability"),
        sentence=partial(_sentence, step=step),
        largest=1.0,
    )
