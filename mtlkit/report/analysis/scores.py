"""The figures that a report shows: those of the run's own record, or of the texts that were scored now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from mtlkit.report.evidence import Evidence
from mtlkit.training import AVERAGE, with_averages


@final
@dataclass(frozen=True)
class Scores:
    """Of a run or archive on a split."""

    split: str
    figures: Mapping[str, float]
    """`task/metric`, and averages."""
    headlines: Mapping[str, str]
    """The metric that selects models, by task."""
    are_recorded: bool
    """Whether the run kept them; else they are of the texts that were scored for this report."""

    def headline(self, owner: str) -> str | None:
        """The metric of a task, or of the average; None where tasks are scored by different ones."""
        if owner != AVERAGE:
            return self.headlines[owner]
        names = set(self.headlines.values())
        return names.pop() if len(names) == 1 else None

    @property
    def owners(self) -> list[str]:
        """The tasks that have a figure, and the average if it has one."""
        owners = [*self.headlines, AVERAGE]
        return [owner for owner in owners if f"{owner}/{self.headline(owner)}" in self.figures]


def scores_of(evidence: Evidence) -> Scores:
    """The test figures; those of dev data where there are no others."""
    headlines = {name: task.scorers()[0].component.headline for name, task in evidence.experiment.tasks.items()}
    for split in ("test", "dev") if evidence.metrics is not None else ():
        if found := (evidence.metrics or {}).get(split):
            return Scores(split, found, headlines, are_recorded=True)
    figures = {}
    for observed in evidence.observed.values():
        figures.update(observed.predictions.figures())
    return Scores(evidence.split, with_averages(figures), headlines, are_recorded=False)
