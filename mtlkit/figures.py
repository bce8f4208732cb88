"""Names of figures: which task, which metric, and whether on clean texts only.

A figure is one score of a model, and its name is the same wherever it is written, in metrics.json, metrics.jsonl,
transfer.json, tables and logs: `task/metric`, or `task/clean_metric` for the clean texts of a test split, those that
equal no train or dev text of any task. This module alone puts such names together and takes them apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Self, final

AVERAGE = "average"
"""In the place of a task: the mean over the tasks that have a metric. No task can have this name."""

MAJORITY = "majority"
"""In the place of a metric: the share of the commonest label, which is what guessing it always would score."""

SHARE = "share"
"""In the place of a clean metric: the share of texts that are clean. Written only where some are not."""

NOTES = "notes"
"""Beside the figures of a file of figures: sentences about them. No figure can have this name, which has no task."""

_CLEAN = "clean_"


@final
@dataclass(frozen=True)
class Figure:
    """What a score is of. `str` gives its name, and `Figure.parse` reads it.

    Attributes:
        task: a task, or AVERAGE.
        metric: a key of `Metric.compute`, MAJORITY, or, for clean texts, SHARE.
        clean: on the clean texts only.

    Raises:
        ValueError: the task or the metric has a name that could not be read back.
    """

    task: str
    metric: str
    clean: bool = False

    def __post_init__(self) -> None:
        # The first slash ends the task, so that a metric may have more of them: `books/f1/NP`.
        if "/" in self.task or not self.task or not self.task.isprintable():
            raise ValueError(f"{self.task!r} is not the name of a task, which is a word without '/'")
        if not self.metric or not self.metric.isprintable():
            raise ValueError(f"{self.metric!r} is not the name of a metric, which is one line of text")
        if self.metric.startswith(_CLEAN):
            raise ValueError(f"{self.metric!r} is not the name of a metric, since '{_CLEAN}' stands for clean texts")

    def __str__(self) -> str:
        return f"{self.task}/{self.score}"

    @property
    def score(self) -> str:
        """The name without the task: `accuracy`, `clean_accuracy`."""
        return f"{_CLEAN}{self.metric}" if self.clean else self.metric

    @property
    def label(self) -> str:
        """The score as the header of a table: `token accuracy`, `clean token accuracy`."""
        return self.score.replace("_", " ")

    @property
    def is_share(self) -> bool:
        """Whether it is the share of a task's texts that are clean, rather than a score on them."""
        return self.clean and self.metric == SHARE

    @classmethod
    def parse(cls, name: str) -> Self:
        """The figure of a name that `str` gave.

        Raises:
            ValueError: it is not such a name.
        """
        task, _, score = name.partition("/")
        metric, clean = split_score(score)
        try:
            return cls(task, metric, clean)
        except ValueError as error:
            raise ValueError(f"{name!r} is not a figure, task/metric or task/{_CLEAN}metric: {error}") from None


def split_score(score: str) -> tuple[str, bool]:
    """The metric of a score such as `clean_accuracy`, and whether it is on clean texts only."""
    metric = score.removeprefix(_CLEAN)
    return metric, metric != score


def score_problem(name: str) -> str | None:
    """Why a metric must not call one of its scores `name`, or None where it may.

    Two figures would otherwise be written under one name: the clean figure of `share`, say, and the share of texts
    that are clean.
    """
    if name in (MAJORITY, SHARE):
        return f"'{name}' is the name of a figure of mtlkit's own; rename the score"
    try:
        Figure(AVERAGE, name)
    except ValueError as error:
        return f"{error}; rename the score"
    return None


def counted(figures: Mapping[str, float], figure: Figure) -> float | None:
    """What a task contributes to the mean of a metric over tasks; None where it has no part in it.

    Where every text is clean, no clean figures are written, and the standard one is also the clean one. Where no text
    is clean, there is a share, 0, but no clean figure, and the task has no part in a clean mean.

    Args:
        figures: values by name, of any tasks.
        figure: the task and the metric, on all texts or on clean ones.
    """
    value = figures.get(str(figure))
    if value is None and figure.clean and str(replace(figure, metric=SHARE)) not in figures:
        return figures.get(str(replace(figure, clean=False)))
    return value


def with_averages(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures of single tasks, and after them `average/metric` of each metric that several tasks have.

    In a clean average, each task counts with what `counted` says. A mean of shares would mean nothing: there is none.
    """
    found = [Figure.parse(name) for name in figures]
    tasks = dict.fromkeys(figure.task for figure in found)
    averages = {}
    for figure in {each.score: each for each in found}.values():
        values = [value for task in tasks if (value := counted(figures, replace(figure, task=task))) is not None]
        if len(values) > 1 and not figure.is_share:
            averages[str(replace(figure, task=AVERAGE))] = fmean(values)
    return {**figures, **averages}


def tasks_of_figures(names: Iterable[str]) -> list[str]:
    """The tasks that have a figure, each once, without AVERAGE."""
    return [task for task in dict.fromkeys(Figure.parse(name).task for name in names) if task != AVERAGE]


def summary_of(figures: Mapping[str, float]) -> dict[str, float]:
    """The averages over tasks, or all figures where there are none, as for a single task."""
    return {name: value for name, value in figures.items() if Figure.parse(name).task == AVERAGE} or dict(figures)
