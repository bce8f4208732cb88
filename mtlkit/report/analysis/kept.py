"""Which epoch's weights a run kept: those that its archive has, and that its test figures are of."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtlkit.report.evidence import Evidence

LISTED = 6
"""Tasks whose epochs are told one by one."""


def kept_places(evidence: Evidence) -> dict[str, int]:
    """By task, the place in the log of its line, from 0; none of an archive alone.

    It is the last epoch of the last stage that was better than all of that stage before it, for the set of weights
    that serves the task. Without dev data none is better, and the last weights serve.
    """
    if not evidence.log:
        return {}
    tasks = list(evidence.experiment.tasks)
    selection = evidence.experiment.trainer.selection.build(tasks=tasks)
    return {task: _last(evidence.log, selection.weights_for(task)) for task in tasks}


def kept_in_words(evidence: Evidence) -> str:
    """`epoch 2`, `epoch 2 of fine_tune`, or each task's own; empty of an archive alone."""
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
