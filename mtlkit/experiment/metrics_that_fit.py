"""Metrics that a task's labels can give: defaults that cannot are replaced, and set ones refused, before training."""

from collections.abc import Iterator, Mapping
from typing import Any

from mtlkit.config import Lazy
from mtlkit.data import Corpus, has_span_tags
from mtlkit.errors import DataError
from mtlkit.experiment.corpora import Corpora
from mtlkit.experiment.settings import Experiment, TaskSettings
from mtlkit.metrics import Metric, TokenAccuracy
from mtlkit.types import Say, silent


def with_metrics_that_fit(experiment: Experiment, corpora: Corpora, say: Say = silent) -> Experiment:
    """Returns the experiment with metrics that its data can give, and says what cannot move.

    Where no tag marks a span, a head's own metrics of spans are left out, and token accuracy takes their place. Tasks
    whose tag scheme is not known, of runs that an older mtlkit began, are left as they are.

    Args:
        experiment: the experiment.
        corpora: its data.
        say: receives a line for each task whose metrics are replaced, and for each split on which a score is constant.

    Raises:
        DataError: a metric that the experiment sets needs spans, and no tag marks one.
    """
    tasks = {}
    for name, task in experiment.tasks.items():
        splits, scheme = corpora.by_task[name], corpora.tag_schemes.get(name)
        tasks[name] = task if scheme is None or scheme.marks_spans else _without_spans(name, task, splits, say)
        for line in _constant_scores(name, tasks[name], splits):
            say(line)
    return experiment.model_copy(update={"tasks": tasks})


HEADLINES = "headlines"
"""The key in `metrics.json` under which the score that selects models stands for each task whose metrics were replaced.
"""


def headlines_of(experiment: Experiment, metrics: Mapping[str, Any]) -> dict[str, str]:
    """Returns the score that selects models of each task of a finished run.

    Args:
        experiment: the experiment as it was written, before metrics were replaced.
        metrics: the content of the run's `metrics.json`.
    """
    replaced = metrics.get(HEADLINES, {})
    return {name: str(replaced.get(name, task.headline)) for name, task in experiment.tasks.items()}


def replaced_headlines(before: Experiment, after: Experiment) -> dict[str, dict[str, str]]:
    """Returns what `metrics.json` says of the tasks whose metrics were replaced; empty if there are none."""
    found = {name: task.headline for name, task in after.tasks.items() if task.headline != before.tasks[name].headline}
    return {HEADLINES: found} if found else {}


def _without_spans(name: str, task: TaskSettings, splits: Mapping[str, Corpus], say: Say) -> TaskSettings:
    """The settings of a task whose tags mark no spans."""
    for number, metric in enumerate(task.metrics):
        if metric.component.needs_spans:
            raise DataError(
                f"tasks.{name}.metrics.{number}: '{metric.type}' scores spans, and no tag of the task marks one; set "
                "token_accuracy in its place, or the reader's scheme if the tags do mark spans"
            )
    left = [metric for metric in task.scorers() if not metric.component.needs_spans]
    if len(left) == len(task.scorers()):
        return task
    metrics: list[Lazy[Metric]] = left or [Lazy.of(TokenAccuracy)]
    scores = ", ".join(metric.type for metric in metrics)
    what = f"no tag marks a span, so {scores} is the metric in place of the head's scores of spans"
    say(f"tasks.{name}.metrics: {what}{_if_types(splits)}")
    return task.model_copy(update={"metrics": metrics})


def _if_types(splits: Mapping[str, Corpus]) -> str:
    """What is added where most words have the tag `O`, so that other tags may be types of spans, without letters."""
    counts = next(iter(splits.values())).label_counts()
    outside = counts.pop("O", 0)
    if not counts or outside <= sum(counts.values()):
        return ""
    kind = next(iter(counts))
    return f"; if tags such as '{kind}' are types of spans, write them as I-{kind}"


def _constant_scores(name: str, task: TaskSettings, splits: dict[str, Corpus]) -> Iterator[str]:
    """Yields a line for each dev or test split on which some score is the same whatever a model has learned."""
    known = splits["train"].label_counts().keys() if "train" in splits else set()
    for split, corpus in splits.items():
        labels, place = corpus.label_counts().keys(), f"tasks.{name}.{split}"
        if split == "train" or not known or not labels:
            continue
        spans = any(metric.component.needs_spans for metric in task.scorers())
        if spans and has_span_tags(known) and not has_span_tags(labels):
            yield f"{place}: no tag marks a span, so scores of spans are 0 whatever a model gives"
        elif spans and has_span_tags(labels) and not has_span_tags(labels & known):
            yield f"{place}: no tag of a span occurs in train, so scores of spans are 0 whatever a model gives"
        elif len(labels) == 1 and len(known) > 1:
            yield f"{place}: every target is '{next(iter(labels))}', so scores say nothing about the other labels"
