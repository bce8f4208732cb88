"""Paths through a pool of modules, and the course of the search for them.

Shapes: S steps of a path, A actions: a number for each module, and Stop as the last one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from mtlkit.report.evidence import Epoch, Evidence, of_kind, summaries_by_epoch
from mtlkit.sharing.summaries import PathSummary

Paths: TypeAlias = Mapping[str, PathSummary]
"""The path of each task."""

STOP = "stop"


@final
@dataclass(frozen=True)
class Searched:
    """The paths of the model, and the policies that they come from."""

    paths: Paths
    """The paths that are evaluated, of the texts that were looked at."""
    policies: Paths
    """The paths with policies: `paths` where they have policies. Otherwise those that were recorded after an epoch with
    just these paths: the last epoch that was better than all before it, whose weights were kept, if the log knows one.
    Otherwise those after the last epoch."""
    embeddings: Mapping[str, Sequence[float]]
    """The embedding of each task, from the same source as the policies."""
    source: str
    """Where policies and embeddings come from, to stand in a sentence."""
    course: Sequence[tuple[Epoch, Paths]]
    """The epochs in which there were policies."""


def searched(evidence: Evidence) -> Searched | None:
    """Finds the paths, and the policies that belong to them; None where no task has a path."""
    paths = of_kind(evidence.summaries, PathSummary)
    if not paths:
        return None
    course = [
        (epoch, policies)
        for epoch, found in summaries_by_epoch(evidence.course, PathSummary)
        if (policies := with_policies(found))
    ]
    policies, source = with_policies(paths), "in the model as it is"
    if not policies and course:
        of_paths = [
            (epoch, found)
            for epoch, found in course
            if all(task in found and found[task].modules == path.modules for task, path in paths.items())
        ]
        better = {(line.get("stage"), line.get("epoch")) for line in evidence.log if line.get("improved")}
        kept = [each for each in of_paths if (each[0].stage, each[0].number) in better]
        epoch, policies = (kept or of_paths or course)[-1]
        source = f"after {epoch.name}"
    embeddings = {task: path.embedding_S for task, path in policies.items() if path.embedding_S}
    return Searched(paths, policies, embeddings, source, course)


def with_policies(paths: Paths) -> Paths:
    """The paths that have a policy, since a selector draws them."""
    return {task: path for task, path in paths.items() if path.policy_SA is not None}


def action_name(action: int | None) -> str:
    """The name of an action: `M3` for module 3, `stop` for None."""
    return STOP if action is None else f"M{action}"


def steps_of(path: PathSummary) -> list[tuple[int | None, float | None]]:
    """Each action of a path with its probability, None for Stop; Stop comes last, without a probability where a path
    ends because it may be no longer, or where nothing was chosen by chance."""
    actions: list[int | None] = [*path.modules, None]
    policy_SA = path.policy_SA or ()
    return [
        (action, policy_SA[step][-1 if action is None else action] if step < len(policy_SA) else None)
        for step, action in enumerate(actions)
    ]


def step_probability(path: PathSummary) -> float | None:
    """How likely the policy takes a step of this path: the geometric mean, so that paths of different lengths compare;
    to the power of the number of steps it is how likely the path is drawn. None without a policy."""
    if not path.policy_SA:
        return None
    product = math.prod(probability for _, probability in steps_of(path) if probability is not None)
    return float(product ** (1 / len(path.policy_SA)))


def mean_entropy(path: PathSummary) -> float | None:
    """The entropy of the policy's choices along the path, as a share of the largest there can be, the mean over steps:
    0 is decided, 1 is all alike; None without a policy."""
    if not path.policy_SA or len(path.policy_SA[0]) < 2:
        return None
    entropies = [-sum(p * math.log(p) for p in policy_A if p > 0) for policy_A in path.policy_SA]
    return math.fsum(entropies) / len(entropies) / math.log(len(path.policy_SA[0]))


def in_words(path: PathSummary) -> str:
    """A path with its probabilities, as in `M3 0.91, M7 0.55, stop 0.98`."""
    return ", ".join(
        action_name(action) + ("" if probability is None else f" {probability:.2f}")
        for action, probability in steps_of(path)
    )


def plain(path: PathSummary) -> str:
    """A path without probabilities, as in `M3 → M7 → stop`."""
    return " → ".join(action_name(action) for action, _ in steps_of(path))
