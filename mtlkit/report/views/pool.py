"""The section on a pool of modules: paths, the policies that they come from, and how the search for them went."""

from itertools import groupby

from mtlkit.report.analysis.paths import Paths, Searched, in_words, mean_entropy, plain, searched, step_probability
from mtlkit.report.charts.histograms import histogram_charts
from mtlkit.report.charts.over_training import by_epoch, over_training
from mtlkit.report.charts.path_diagram import path_chart
from mtlkit.report.charts.plane import embedding_chart
from mtlkit.report.charts.point_names import kinds_of
from mtlkit.report.charts.space import space_charts
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Part, Section, Table
from mtlkit.report.templating import sentences, titled


def section(evidence: Evidence) -> Section | None:
    """Paths, policies and the course of the search; None where no task has a path."""
    found = searched(evidence)
    if found is None:
        return None
    kinds = kinds_of(evidence.experiment.tasks)
    kinds = {task: kinds.get(task, "") for task in {**found.paths, **found.policies}}
    paths = _with_probabilities(found)
    parts: list[Part] = [path_chart(paths, kinds), _table(paths), *histogram_charts(found.policies)]
    if (chart := embedding_chart(found.embeddings, kinds, found.source)) is not None:
        parts.append(chart)
    if any(path.modules for path in found.paths.values()):
        parts += space_charts(found.paths, kinds)
    parts += _course(found)
    said = sentences("pool", source=found.source if found.policies else None, moved_on=_moved_on(found))
    return Section("pool", "Paths through the pool", said, parts)


def _moved_on(found: Searched) -> list[str]:
    """The tasks whose likeliest path after the last epoch is not the one that is drawn."""
    last = found.course[-1][1] if len(found.course) > 1 else {}
    return [task for task, path in found.paths.items() if task in last and last[task].modules != path.modules]


def _with_probabilities(found: Searched) -> Paths:
    """The paths that are evaluated, each with its policy where the search ended on the same path."""
    return {
        task: policy if (policy := found.policies.get(task)) is not None and policy.modules == path.modules else path
        for task, path in found.paths.items()
    }


def _table(paths: Paths) -> Table:
    """A table of what the drawing shows; tasks with the same path stand together."""
    rows = []
    for task, path in sorted(paths.items(), key=lambda item: item[1].modules):
        same = [other for other, its in paths.items() if other != task and its.modules == path.modules]
        rows.append((task, in_words(path), ", ".join(same) or "no other"))
    return Table(("task", "path", "same path"), tuple(rows), "Each task's path and the probability of every step")


def _course(found: Searched) -> list[Part]:
    """How sure the search was, and when it changed its mind; empty for a single epoch."""
    if len(found.course) < 2:
        return []
    certainty, entropy = (
        by_epoch([(task, of(path)) for task, path in paths.items()] for _, paths in found.course)
        for of in (step_probability, mean_entropy)
    )
    epochs = [epoch for epoch, _ in found.course]
    return [
        over_training(*titled("pool-certainty"), epochs, certainty, number="probability", limits=(0, 1.02)),
        over_training(*titled("pool-entropy"), epochs, entropy, number="entropy", limits=(0, 1.02)),
        _changes(found),
    ]


def _changes(found: Searched) -> Table:
    """A table of when the likeliest path of each task changed from one epoch to the next."""
    rows = []
    for task in dict.fromkeys(task for _, paths in found.course for task in paths):
        seen = [(epoch.name, paths[task]) for epoch, paths in found.course if task in paths]
        new = [next(same) for _, same in groupby(seen, key=lambda each: each[1].modules)]
        since, path = new[-1]
        rows.append((task, len(new) - 1, since, plain(path), plain(new[-2][1]) if len(new) > 1 else "none"))
    header = ("task", "changes", "the same since", "path after the last epoch", "path before")
    return Table(header, tuple(rows), "Changes of the likeliest path from one epoch to the next")
