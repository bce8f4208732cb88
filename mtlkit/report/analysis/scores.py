"""The scores that a report shows, and which epoch's weights they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from mtlkit.comparison import RunRecord
from mtlkit.figures import AVERAGE, MAJORITY, Figure, split_score, with_averages
from mtlkit.report.evidence import Evidence


@final
@dataclass(frozen=True)
class SplitScores:
    """The figures of a run or archive on a split."""

    split: str
    figures: Mapping[str, float]
    """By name: `task/metric`, and averages."""
    headlines: Mapping[str, str]
    """The metric that selects models, by task."""
    are_recorded: bool
    """Whether the run recorded the figures; otherwise they are of the texts that were scored for this report."""

    def headline(self, owner: str) -> str | None:
        """The metric of a task or of the average; None for the average of tasks with different metrics."""
        if owner != AVERAGE:
            return self.headlines[owner]
        names = set(self.headlines.values())
        return names.pop() if len(names) == 1 else None

    def name(self, owner: str, *, clean: bool = False) -> str:
        """The name of the figure of a task, or of the average, by the metric that selects models; empty for the average
        of tasks with different metrics."""
        metric = self.headline(owner)
        return "" if metric is None else str(Figure(owner, metric, clean))

    @property
    def owners(self) -> list[str]:
        """The tasks that have a figure, and the average if it has one."""
        return [owner for owner in [*self.headlines, AVERAGE] if self.name(owner) in self.figures]

    @property
    def kinds(self) -> dict[bool, str]:
        """What a reader calls the figures of all texts (False) and, if there are any, those of clean texts (True)."""
        are_clean = (is_clean for _, is_clean in (split_score(name.partition("/")[2]) for name in self.figures))
        return {False: self.split} | ({True: f"clean {self.split}"} if any(are_clean) else {})

    @property
    def majority(self) -> list[float | None]:
        """The score of always giving the most frequent label, for each of `owners`."""
        return [self.figures.get(str(Figure(owner, MAJORITY))) for owner in self.owners]

    def of(self, *, clean: bool = False, record: RunRecord | None = None) -> list[float | None]:
        """The figure of each of `owners`: the run's own, or that of another run on the same split."""
        figures = self.figures if record is None else record.figures.get(self.split, {})
        return [figures.get(self.name(owner, clean=clean)) for owner in self.owners]


def scores_of(evidence: Evidence) -> SplitScores:
    """The test figures, or those of dev data where there are no others."""
    headlines = {name: task.scorers()[0].component.headline for name, task in evidence.experiment.tasks.items()}
    for split in ("test", "dev") if evidence.metrics is not None else ():
        if found := (evidence.metrics or {}).get(split):
            return SplitScores(split, found, headlines, are_recorded=True)
    figures = {}
    for observed in evidence.observed.values():
        figures.update(observed.predictions.figures())
    return SplitScores(evidence.split, with_averages(figures), headlines, are_recorded=False)


LISTED = 6
"""The largest number of tasks whose epochs are named one by one."""


def kept_places(evidence: Evidence) -> dict[str, int]:
    """The place in the log, from 0, of the epoch whose weights were kept for each task; empty for an archive alone.

    It is the last epoch of the last stage that was better than all of that stage before it, for the set of weights
    that serves the task. Without dev data none is better, and the last weights serve.
    """
    if not evidence.log:
        return {}
    tasks = list(evidence.experiment.tasks)
    selection = evidence.experiment.trainer.selection.build(tasks=tasks)
    return {task: _last(evidence.log, selection.weights_for(task)) for task in tasks}


def kept_in_words(evidence: Evidence) -> str:
    """The epoch whose weights were kept, as in `epoch 2 of fine_tune`, or each task's; empty for an archive alone."""
    places = kept_places(evidence)
    if not places:
        return ""
    if len(set(places.values())) == 1:
        return _name(evidence.log[next(iter(places.values()))])
    if len(places) > LISTED:
        return "each task's own best"
    return ", ".join(f"{task}: {_name(evidence.log[place])}" for task, place in places.items())


def _last(log: Sequence[Mapping[str, Any]], weights: str) -> int:
    better = [
        place
        for place, line in enumerate(log)
        if line.get("stage") == log[-1].get("stage") and weights in line.get("improved", ())
    ]
    return better[-1] if better else len(log) - 1


def _name(line: Mapping[str, Any]) -> str:
    return f"epoch {line['epoch']}" + (f" of {line['stage']}" if line.get("stage") else "")
