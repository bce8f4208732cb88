"""`compare`: figures of systems side by side, for each task and on average, with intervals of their gains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from mtlkit.comparison.agreement import check_agreement
from mtlkit.comparison.answers import (
    Answers,
    command_for_answers,
    own_answers,
    read_answers,
    strange_answers,
)
from mtlkit.comparison.bootstrap import Interval
from mtlkit.comparison.gains import Intervals, intervals
from mtlkit.comparison.outcomes import metric_of
from mtlkit.comparison.records import RunRecord, System
from mtlkit.errors import RunError
from mtlkit.figures import AVERAGE, Figure, counted, split_score, tasks_of_figures
from mtlkit.training import Predictions

Texts = Literal["all", "clean"]
"""The texts of a split that figures are computed on: all, or only those that occur in no train or dev data."""


@dataclass(frozen=True)
class Question:
    """What to compare, and how."""

    split: str = "test"
    metric: str | None = None
    """The score to compare; None for the headline of each task's first metric."""
    baseline: System | None = None
    """The system that gains are measured against; None for no gains."""
    resamples: int = 10_000
    seed: int = 0
    """Seed of the resamples."""
    anyway: bool = False
    """Whether to compare also figures that do not compare, such as those of runs on other data."""
    texts_only: bool = False
    """Whether intervals are over texts alone, for the models as they are, where they could be over seeds too."""


@dataclass(frozen=True)
class Result:
    """The figures of a system in one task, or on average over tasks."""

    values: Sequence[float]
    """The figure of each seed."""
    gain: float | None = None
    """The mean minus the baseline's mean; None for the baseline itself, and where there is none."""
    interval: Interval | None = None
    """The interval of the gain; None where predictions for single texts are missing."""

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation over the seeds; None for a single seed."""
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Comparison:
    """The figures of several systems side by side."""

    question: Question
    systems: Sequence[System]
    metrics: Mapping[str, str]
    """The score that is compared, by task."""
    results: Mapping[Texts, Mapping[str, Mapping[str, Result]]]
    """Results by texts, system and task. Where there are several tasks, AVERAGE is one of them."""
    notes: Sequence[str]
    """Sentences that a reader of the figures should know."""


def compare(systems: Sequence[System], question: Question) -> Comparison:
    """Compares systems over the tasks that all of them have.

    Raises:
        RunError: the systems have no task, or no task with the metric, in common; or they were trained or scored on
            different data, or are scored by different metrics, and the question is not asked `anyway`.
    """
    runs = [run for system in systems for run in system.runs]
    split, anyway = question.split, question.anyway
    answers, notes = own_answers(runs, read_answers(runs, split), split, anyway=anyway)
    metrics = _metrics(runs, question, answers)
    notes += check_agreement(runs, metrics, answers, split, anyway=anyway)
    notes += strange_answers(runs, answers, split)
    scored = {task for run in runs for task in tasks_of_figures(run.figures[split])}
    if left_out := sorted(scored - metrics.keys()):
        notes.append(f"left out, since not every run has such figures: {', '.join(left_out)}")
    leaks = any(figure.is_share for run in runs for figure in _figures(run, split))
    results: dict[Texts, dict[str, dict[str, Result]]] = {}
    kinds: tuple[Texts, ...] = ("all", "clean") if leaks else ("all",)
    for texts in kinds:
        values = _values(systems, split, metrics, texts)
        with_values = {task: metric for task, metric in metrics.items() if task in values[systems[0].name]}
        if texts == "clean" and not with_values:
            notes.append(f"no clean figures: in no task has every run clean {split} texts")
            continue
        known = _intervals(systems, question, with_values, answers, texts, notes)
        results[texts] = {
            system.name: _results(values, system, question.baseline, known.get(system.name, {})) for system in systems
        }
    return Comparison(question, systems, metrics, results, notes)


def _figures(run: RunRecord, split: str) -> list[Figure]:
    return [Figure.parse(name) for name in run.figures[split]]


def _metrics(runs: Sequence[RunRecord], question: Question, answers: Answers) -> dict[str, str]:
    """The score to compare, for each task in which all runs have it."""
    first, split = runs[0], question.split
    standard, is_clean = split_score(question.metric or "")
    if is_clean:
        raise RunError(f"--metric {question.metric}: clean figures stand beside the others; give --metric {standard}")
    scored = [{(figure.task, figure.metric) for figure in _figures(run, split) if not figure.clean} for run in runs]
    found = {}
    for task in tasks_of_figures(first.figures[split]):
        metric = question.metric or _first_metric(runs, task, split, answers)
        if metric is not None and all((task, metric) in each for each in scored):
            found[task] = metric
    if not found:
        metrics = dict.fromkeys(figure.score for figure in _figures(first, split))
        asked = "no task" if question.metric is None else f"no task with the metric '{question.metric}'"
        tasks = ", ".join(tasks_of_figures(first.figures[split])) or "no task"
        known = f"{first.path} has {', '.join(metrics) or 'no figures'} for {tasks}"
        raise RunError(f"the runs have {asked} in common on {split} data; {known}")
    return found


def _first_metric(runs: Sequence[RunRecord], task: str, split: str, answers: Answers) -> str | None:
    """The score that selects models. Where no run has kept predictions, the metric of the task's first figure."""
    for run in runs:
        if task in answers[run.path]:
            return answers[run.path][task].metrics[0].component.headline
    own = (figure.metric for figure in _figures(runs[0], split) if figure.task == task and not figure.clean)
    return next(own, None)


Values = Mapping[str, Mapping[str, Sequence[float]]]
"""The figure of each seed, by system and task."""


def _values(systems: Sequence[System], split: str, metrics: Mapping[str, str], texts: Texts) -> Values:
    """The figures of the tasks that have one for all systems, and their average, where there are several tasks."""
    found: dict[str, dict[str, list[float]]] = {system.name: {} for system in systems}
    for task, metric in metrics.items():
        figure = Figure(task, metric, clean=texts == "clean")
        of_task = {system.name: [counted(run.figures[split], figure) for run in system.runs] for system in systems}
        known = {name: [value for value in values if value is not None] for name, values in of_task.items()}
        if known == of_task:
            for name, values in known.items():
                found[name][task] = values
    if len(metrics) > 1:
        for by_task in found.values():
            if by_task:
                by_task[AVERAGE] = [fmean(of_seed) for of_seed in zip(*by_task.values(), strict=True)]
    return found


def _intervals(
    systems: Sequence[System],
    question: Question,
    metrics: Mapping[str, str],
    answers: Answers,
    texts: Texts,
    notes: list[str],
) -> Intervals:
    """The interval of every gain that has one. Why others have none is added to `notes`."""
    baseline = question.baseline
    if baseline is None:
        return {}
    lacking = [run for system in systems for run in system.runs if not metrics.keys() <= answers[run.path].keys()]
    if texts == "all" and lacking:
        notes.append(_why_none(lacking, question.split))
    able = [system for system in systems if not any(run in lacking for run in system.runs)]
    first = answers[baseline.runs[0].path]
    apart = [] if baseline not in able else [each for each in able if not _is_paired(each, first, metrics, answers)]
    if texts == "all" and apart:
        named = ", ".join(system.name for system in apart)
        theirs = f"the {question.split} texts or metrics are not those of {baseline.name}"
        notes.append(f"no intervals with {named}: {theirs}")
    able = [system for system in able if system not in apart]
    if baseline not in able or len(able) < 2:
        return {}
    if foreign := [figure for task, figure in metrics.items() if metric_of(first[task], figure) is None]:
        notes.append(f"no intervals: '{foreign[0]}' is not computed from the answers to single texts")
        return {}
    if texts == "clean" and (task := _other_clean_texts(able, metrics, answers)):
        notes.append(f"no intervals on clean texts: those of {task} are not the same for all runs")
        return {}
    return intervals(
        able,
        baseline,
        metrics,
        answers,
        clean=texts == "clean",
        resamples=question.resamples,
        seed=question.seed,
        texts_only=question.texts_only,
    )


def _is_paired(
    system: System, baseline: Mapping[str, Predictions], metrics: Mapping[str, str], answers: Answers
) -> bool:
    """Whether a system's predictions can be resampled together with those of the baseline."""
    return all(
        answers[run.path][task].is_about_the_same_as(baseline[task])
        and metric_of(answers[run.path][task], metric) == metric_of(baseline[task], metric)
        for run in system.runs
        for task, metric in metrics.items()
    )


def _why_none(runs: Sequence[RunRecord], split: str) -> str:
    """Why gains of these runs, or gains over them, have no intervals, and how to get them."""
    named = ", ".join(str(run.path) for run in runs)
    found = f"no intervals with {named}: the answers to single {split} texts are not kept there"
    first = next((run for run in runs if run.predictions is not None), None)
    if first is None:
        return found
    return f"{found}; write them, as by: {command_for_answers(first, split)}"


def _other_clean_texts(systems: Sequence[System], metrics: Mapping[str, str], answers: Answers) -> str | None:
    """A task whose clean texts are not the same in all runs, or None."""
    for task in metrics:
        masks = [answers[run.path][task].clean for system in systems for run in system.runs]
        if len({None if mask is None else mask.tobytes() for mask in masks}) > 1:
            return task
    return None


def _results(
    values: Values, system: System, baseline: System | None, known: Mapping[str, Interval]
) -> dict[str, Result]:
    results = {}
    for task, own in values[system.name].items():
        if baseline is None or system is baseline:
            results[task] = Result(own)
        else:
            results[task] = Result(own, fmean(own) - fmean(values[baseline.name][task]), known.get(task))
    return results
