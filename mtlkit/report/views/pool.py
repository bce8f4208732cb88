"""The section on a pool of modules: paths, the policies that they come from, and how the search for them went."""

from mtlkit.report.analysis.paths import Paths, Searched, in_words, mean_entropy, plain, searched, step_probability
from mtlkit.report.charts.histograms import histogram_charts
from mtlkit.report.charts.over_training import by_epoch, over_training
from mtlkit.report.charts.path_diagram import path_chart
from mtlkit.report.charts.plane import embedding_chart
from mtlkit.report.charts.point_names import kinds_of
from mtlkit.report.charts.space import space_charts
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Part, Section, Table


def section(evidence: Evidence) -> Section | None:
    """Paths, policies and the course of the search; None where no task has a path."""
    found = searched(evidence)
    if found is None:
        return None
    kinds = kinds_of(evidence.experiment.tasks)
    kinds = {task: kinds.get(task, "") for task in {**found.paths, **found.policies}}
    parts: list[Part] = [
        path_chart(_with_probabilities(found), kinds, "Paths through the pool"),
        _table(found),
        *histogram_charts(found.policies),
    ]
    if (chart := embedding_chart(found.embeddings, kinds, found.source)) is not None:
        parts.append(chart)
    if any(path.modules for path in found.paths.values()):
        parts += space_charts(found.paths, {task: kinds[task] for task in found.paths})
    parts += _course(found)
    return Section("pool", "Paths through the pool", _lead(found), parts)


def _lead(found: Searched) -> str:
    lead = (
        "Each task's texts go through some modules of a common pool, in an order of the task's own. Modules are "
        "numbered from M0, as in the experiment's files."
    )
    if not found.policies:
        return f"{lead} These paths are given: nothing was recorded of how they were chosen."
    return (
        f"{lead} Probabilities are the selector's, {found.source}, along the likeliest path. That tasks have modules "
        "in common says that they are computed alike, not yet that this helps them; and what a single run came to can "
        f"be chance.{_moved_on(found)}"
    )


def _moved_on(found: Searched) -> str:
    """A sentence, with a space before it, where the last epoch's paths are not those that are drawn."""
    last = found.course[-1][1] if len(found.course) > 1 else {}
    other = [task for task, path in found.paths.items() if task in last and last[task].modules != path.modules]
    if not other:
        return ""
    return (
        f" The likeliest path of {', '.join(other)} after the last epoch of the search, in the table of changes, is "
        "not the one that is drawn and used: that one comes from the weights that were kept."
    )


def _with_probabilities(found: Searched) -> Paths:
    """The paths that are evaluated, each with its policy where the search ended on the same path."""
    return {
        task: policy if (policy := found.policies.get(task)) is not None and policy.modules == path.modules else path
        for task, path in found.paths.items()
    }


def _table(found: Searched) -> Table:
    """A table of what the drawing shows; tasks with the same path stand together."""
    shown = _with_probabilities(found)
    rows = tuple(
        (task, in_words(path), ", ".join(_same(task, shown)) or "no other")
        for task, path in sorted(shown.items(), key=lambda item: item[1].modules)
    )
    caption = "Each task's path and the probability of every step"
    return Table(("task", "path", "same path"), rows, caption)


def _same(task: str, paths: Paths) -> list[str]:
    return [other for other, path in paths.items() if other != task and path.modules == paths[task].modules]


def _course(found: Searched) -> list[Part]:
    """How sure the search was, and when it changed its mind; empty for a single epoch."""
    if len(found.course) < 2:
        return []
    epochs = [epoch for epoch, _ in found.course]
    certainty, entropy = (
        by_epoch([(task, of(path)) for task, path in paths.items()] for _, paths in found.course)
        for of in (step_probability, mean_entropy)
    )
    return [
        over_training(
            "pool-certainty",
            "How sure the policy was",
            "How likely it takes a step of its likeliest path after that epoch, the geometric mean over the steps.",
            epochs,
            certainty,
            number="probability",
            limits=(0, 1.02),
        ),
        over_training(
            "pool-entropy",
            "How undecided the policy was",
            "Entropy of the choices along the path, as a share of the largest there can be: 0 is decided, 1 all alike.",
            epochs,
            entropy,
            number="entropy",
            limits=(0, 1.02),
        ),
        _changes(found),
    ]


def _changes(found: Searched) -> Table:
    """A table of when the likeliest path of each task changed from one epoch to the next."""
    course = found.course
    tasks = dict.fromkeys(task for _, paths in course for task in paths)
    rows = []
    for task in tasks:
        seen = [(epoch, paths[task]) for epoch, paths in course if task in paths]
        new = [
            (epoch, path)
            for place, (epoch, path) in enumerate(seen)
            if place == 0 or path.modules != seen[place - 1][1].modules
        ]
        before = plain(new[-2][1]) if len(new) > 1 else "none"
        rows.append((task, len(new) - 1, new[-1][0].name, plain(new[-1][1]), before))
    caption = "Changes of the likeliest path from one epoch to the next"
    return Table(
        ("task", "changes", "the same since", "path after the last epoch", "path before"), tuple(rows), caption
    )
