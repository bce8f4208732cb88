"""How strongly tasks are linked: one matrix, whatever the scheme.

Shapes: K tasks, N sources, L layers, S steps of a path, A actions: a number for each module, and Stop as the last one.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from mtlkit.report.evidence import Epoch, of_kind
from mtlkit.report.templating import sentences
from mtlkit.sharing.summaries import GuessSummary, MixtureSummary, PathSummary, Summary, WordSummary

Weights: TypeAlias = tuple[tuple[float | None, ...], ...]

READ = "an arrow points from what is read to who reads it"
TAKEN = "an arrow points from whose states are taken to who takes them"
GUESSED = "an arrow points at the task whose texts are taken for those at its other end"


@final
@dataclass(frozen=True)
class Strengths:
    """How strongly each task (row) is linked to each source (column): tasks again, or what stands between them."""

    name: str
    """The beginning of the names of its files: lower-case words with hyphens."""
    title: str
    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    weights: Weights
    """The strengths (K, N); None where there can be none, as between a task and itself."""
    relation: str
    """The verb between a task and a source, as in `movie reads tweet`."""
    meaning: str
    """Sentences that say what a number is."""
    symmetric: bool = False
    arrow: str = READ
    """What stands at which end of a drawn link; unused where the matrix is symmetric."""

    @property
    def is_star(self) -> bool:
        """Whether the sources stand between the tasks, rather than being tasks."""
        return not set(self.sources) & set(self.tasks)

    @property
    def largest(self) -> float:
        """The largest absolute strength between two different nodes; 0 where there is none."""
        return max((abs(weight) for _, _, weight in self.links()), default=0.0)

    def links(self) -> list[tuple[str, str, float]]:
        """Triples (task, source, strength) of different nodes, the strongest first; each pair once where symmetric."""
        found = [
            (task, source, weight)
            for row, (task, weights) in enumerate(zip(self.tasks, self.weights, strict=True))
            for source, weight in zip(self.sources, weights, strict=True)
            if weight is not None and math.isfinite(weight) and source != task
            if not (self.symmetric and source in self.tasks[:row])
        ]
        return sorted(found, key=lambda link: -abs(link[2]))

    def sentence(self, task: str, source: str, weight: float) -> str:
        """A sentence that says one strength."""
        return f"{task} {self.relation} {source}: {rounded(weight)}"


def rounded(number: float) -> str:
    """A number with two decimals as a reader sees it: with a true minus sign, and none before a zero."""
    return f"{number:.2f}".replace("-0.00", "0.00").replace("-", "−")


def strengths_of(summaries: Mapping[str, Summary]) -> list[Strengths]:
    """The strengths of each kind of summary that tasks have."""
    readers = of_kind(summaries, WordSummary)
    made = (
        _from_senders(readers),
        _from_positions(readers),
        _from_paths(of_kind(summaries, PathSummary)),
        _from_mixtures(of_kind(summaries, MixtureSummary)),
        _from_guesses(of_kind(summaries, GuessSummary)),
    )
    return [strengths for strengths in made if strengths.tasks]


def cosine_strengths(epoch: Epoch) -> Strengths | None:
    """How far the gradients of tasks point the same way; None where the epoch has none."""
    if epoch.cosines is None:
        return None
    tasks = epoch.cosines.tasks
    found = {task: dict(zip(tasks, row, strict=True)) for task, row in zip(tasks, epoch.cosines.cosines, strict=True)}
    return between_tasks("gradient-cosine", "Whose gradients agree", found, "and", symmetric=True, epoch=epoch.name)


def between_tasks(
    name: str,
    title: str,
    found: Mapping[str, Mapping[str, float | None]],
    relation: str,
    arrow: str = READ,
    *,
    symmetric: bool = False,
    with_own: bool = False,
    **told: Any,
) -> Strengths:
    """A matrix whose columns are the tasks, followed by whatever other sources there are.

    Args:
        name, title, relation, arrow, symmetric: as in `Strengths`.
        found: the strengths by task and source.
        with_own: whether a task's strength with itself counts.
        told: what the sentences on this matrix need.
    """
    sources = tuple(dict.fromkeys([*found, *(source for weights in found.values() for source in weights)]))
    weights = tuple(
        tuple(None if source == task and not with_own else row.get(source) for source in sources)
        for task, row in found.items()
    )
    meaning = sentences(f"matrix-{name}", **told)
    return Strengths(name, title, tuple(found), sources, weights, relation, meaning, symmetric, arrow)


def _from_senders(readers: Mapping[str, WordSummary]) -> Strengths:
    found = {
        task: dict(zip(summary.senders, summary.weights_N, strict=True))
        for task, summary in readers.items()
        if summary.senders is not None and summary.weights_N is not None
    }
    return between_tasks("reading", "Whom the words read", found, "reads")


def _from_positions(readers: Mapping[str, WordSummary]) -> Strengths:
    gates = {task: summary.gate for task, summary in readers.items() if summary.senders is None}
    if all(gate is None for gate in gates.values()):
        gates = {}
    weights = tuple((gate,) for gate in gates.values())
    title, source, meaning = "How far tasks open to the shared layer", ("shared layer",), sentences("matrix-gates")
    return Strengths("gates", title, tuple(gates), source, weights, "reads", meaning)


def _from_paths(paths: Mapping[str, PathSummary]) -> Strengths:
    found = {task: {other: same_module(one, paths[other]) for other in paths} for task, one in paths.items()}
    are_drawn = any(path.policy_SA is not None for path in paths.values())
    title = "Whose paths go through the same modules"
    return between_tasks("paths-in-common", title, found, "and", symmetric=True, are_drawn=are_drawn)


def same_module(one: PathSummary, other: PathSummary) -> float:
    """The probability that two paths, each drawn from its own policy, have the same module at a step: the mean over the
    steps of the longer of the two likeliest paths, or 0 if both are empty. A path without a policy is certain."""
    length = max(len(one.modules), len(other.modules))
    agreement = 0.0
    for step in range(length):
        left, right = _modules_at(one, step), _modules_at(other, step)
        agreement += sum(probability * right.get(module, 0.0) for module, probability in left.items())
    return agreement / length if length else 0.0


def _modules_at(path: PathSummary, step: int) -> Mapping[int, float]:
    """The probability of each module at a step; empty after the path's end."""
    if path.policy_SA is None:
        return {path.modules[step]: 1.0} if step < len(path.modules) else {}
    if step >= len(path.policy_SA):
        return {}
    return dict(enumerate(path.policy_SA[step][:-1]))


def _from_mixtures(mixtures: Mapping[str, MixtureSummary]) -> Strengths:
    found = {
        task: {
            source: math.fsum(column) / len(column)
            for source, *column in zip(summary.tasks, *summary.weights_LK, strict=True)
            if column
        }
        for task, summary in mixtures.items()
    }
    return between_tasks("mixtures", "Whose states tasks mix in", found, "takes of", TAKEN, with_own=True)


def _from_guesses(guesses: Mapping[str, GuessSummary]) -> Strengths:
    found = {task: dict(zip(guess.tasks, guess.probabilities_K, strict=True)) for task, guess in guesses.items()}
    title = "Whose texts are taken for whose"
    return between_tasks("guesses", title, found, "is taken for", GUESSED, with_own=True)


NEARLY = 0.98
"""A spread above which words read nearly all alike: 1 is all alike."""
SLIGHT = 1.2
"""A lift below which a pair of words is next to nothing: 1 is all alike."""


def alike(summaries: Mapping[str, Summary]) -> str:
    """A sentence, with a space before it, on tasks whose words read nearly all alike; empty where there are none."""
    spreads = {task: summary.spread for task, summary in of_kind(summaries, WordSummary).items()}
    found = [task for task, spread in spreads.items() if spread > NEARLY]
    if not found:
        return ""
    whose = "the words of all tasks" if len(found) == len(spreads) else f"the words of {', '.join(found)}"
    return f" By their spread, above {NEARLY}, {whose} read nearly all alike."


def next_to_nothing(lifts: Iterable[float]) -> str:
    """A sentence, with a space before it, where no pair of words is read much more than all; else empty."""
    most = max(lifts, default=1.0)
    if most >= SLIGHT:
        return ""
    return f" Here all of them are next to nothing: the largest lift is {most:.2f}, and 1 is all words read alike."
