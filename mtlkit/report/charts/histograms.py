"""How likely each module was at each step (Chen et al. 2018, Figure 4b)."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlkit.report.analysis.paths import STOP, Paths, action_name
from mtlkit.report.charts import NAME
from mtlkit.report.charts.drawing import label, mark
from mtlkit.report.charts.grid import grid_chart
from mtlkit.report.charts.theme import ACCENT, MUTED
from mtlkit.report.parts import Chart, Table

MOST_BARS = 60
"""The largest number of bars, which have a tooltip each; more numbers are drawn as cells, a chart for each step."""


def histogram_charts(policies: Paths) -> list[Chart]:
    """Bars for each task and step, as in the paper; a grid for each step where there are many tasks or modules."""
    steps = max((len(path.policy_SA or ()) for path in policies.values()), default=0)
    actions = max((len(policy_A) for path in policies.values() for policy_A in path.policy_SA or ()), default=0)
    if not steps or not actions:
        return []
    if len(policies) * steps * actions <= MOST_BARS or (len(policies) <= 4 and actions <= 8):
        return [_bars(policies, steps, actions)]
    return [_cells(policies, step, actions) for step in range(steps)]


def _sentence(task: str, action: str, probability: float, step: int) -> str:
    return f"{task}, step {step + 1}: {action} {probability:.2f}"


def _names(actions: int) -> list[str]:
    return [*(action_name(number) for number in range(actions - 1)), STOP]


def _bars(policies: Paths, steps: int, actions: int) -> Chart:
    names = _names(actions)

    def draw(figure: Figure) -> None:
        axes_KS = figure.subplots(len(policies), steps, sharex=True, sharey=True, squeeze=False)
        for row, (task, path) in zip(axes_KS, policies.items(), strict=True):
            for step, axes in enumerate(row):
                _panel(axes, task, step, (path.policy_SA or ())[step : step + 1], names)
            row[0].set_ylabel(label(task, NAME), fontsize=7.5, rotation=0, ha="right", va="center")
        for step, axes in enumerate(axes_KS[0]):
            axes.set_title(f"step {step + 1}", fontsize=7.5, color=MUTED)

    caption = (
        "How likely the policy takes each module, or stops, at each step along the task's likeliest path. An empty "
        "panel is a step that the path does not have."
    )
    height = 0.6 + 0.55 * len(policies)
    data = _data(policies, range(steps), names)
    return Chart("pool-steps", "Probability of each module, step by step", caption, data, draw, height=height)


def _panel(axes: Axes, task: str, step: int, policy: tuple[tuple[float, ...], ...], names: list[str]) -> None:
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 1], ["0", "1"], fontsize=6.5)
    axes.set_xticks(range(len(names)), names, fontsize=6.5, rotation=90)
    for policy_A in policy:
        for place, (name, probability) in enumerate(zip(names, policy_A, strict=True)):
            bar = axes.bar([place], [probability], color=ACCENT, width=0.8)[0]
            mark(bar, _sentence(task, name, probability, step))


def _cells(policies: Paths, step: int, actions: int) -> Chart:
    names = _names(actions)
    there = {
        task: path.policy_SA[step]
        for task, path in policies.items()
        if path.policy_SA is not None and len(path.policy_SA) > step
    }
    return grid_chart(
        f"pool-step-{step + 1}",
        f"Probability of each module at step {step + 1}",
        "A row for each task whose likeliest path has this step, a column for each module and Stop; full colour is 1.",
        list(there),
        names,
        list(there.values()),
        heads=("task", "action", "probability"),
        sentence=lambda task, action, probability: _sentence(task, action, probability, step),
        largest=1.0,
    )


def _data(policies: Paths, steps: range, names: list[str]) -> Table:
    rows = tuple(
        (task, step + 1, name, probability)
        for task, path in policies.items()
        for step in steps
        for policy_A in (path.policy_SA or ())[step : step + 1]
        for name, probability in zip(names, policy_A, strict=True)
    )
    return Table(("task", "step", "action", "probability"), rows)
