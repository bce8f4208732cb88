"""What is said of a run in a word or two, at the head and the foot of its page."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mtlkit.experiment import stages_of
from mtlkit.figures import AVERAGE
from mtlkit.report.analysis.scores import kept_in_words, scores_of
from mtlkit.report.evidence import Evidence
from mtlkit.runs.provenance import kernels_of

Facts = list[tuple[str, str]]
"""Pairs of a label and its value."""


def deck(evidence: Evidence) -> str:
    """One sentence that says what was trained on what."""
    tasks = list(evidence.experiment.tasks)
    named = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks ({', '.join(tasks[:8])}{' …' if tasks[8:] else ''})"
    return f"Trained on {named}, sharing by {sharing(evidence)}."


def sharing(evidence: Evidence) -> str:
    """The sharing scheme, with its communicator or selector where it has one: the one that a search began with."""
    lazy = evidence.experiment.model.sharing
    is_same = _type(evidence.settings, "model", "sharing") == lazy.type
    scheme = evidence.settings["model"]["sharing"] if is_same else lazy.to_json()
    parts = [kind for name in scheme if (kind := _type(scheme, name))]
    return f"{lazy.type} ({', '.join(parts)})" if parts else lazy.type


def key_facts(evidence: Evidence) -> Facts:
    """The facts that a reader looks for first, six at most: scores, sizes, time and seed."""
    facts: dict[str, Any] = {}
    scores = scores_of(evidence)
    owner = AVERAGE if len(evidence.experiment.tasks) > 1 else next(iter(evidence.experiment.tasks))
    mean = ", mean over tasks" if owner == AVERAGE else ""
    for clean, name in scores.kinds.items():
        if (value := scores.figures.get(scores.name(owner, clean=clean))) is not None:
            facts[f"{name} {str(scores.headline(owner)).replace('_', ' ')}{mean}"] = f"{value:.2%}"
    used = sum(splits["train"]["used"] for splits in texts(evidence).values() if "train" in splits)
    facts["tasks"] = len(evidence.experiment.tasks)
    facts["texts to train on"] = f"{used:,}" if used else None
    facts["trained in"] = duration(evidence)
    facts["seed"] = evidence.meta.get("seed", evidence.experiment.seed)
    return _known(facts)


def provenance(evidence: Evidence) -> Facts:
    """Versions, machine, command and digests, as far as they are known."""
    meta = evidence.meta
    resolved = json.dumps(evidence.settings, sort_keys=True)
    facts = {
        "mtlkit": meta.get("mtlkit"),
        "torch": meta.get("torch"),
        "Python": meta.get("python"),
        "plugins": ", ".join(f"{name} {version}" for name, version in items(meta.get("plugins"))),
        "git": _git(meta.get("git")),
        "device": meta.get("accelerator") if str(meta.get("device", "")).startswith("cuda") else meta.get("device"),
        "processor": meta.get("processor"),
        "platform": meta.get("platform"),
        **kernels_of(meta),
        "created": meta.get("created"),
        "finished": meta.get("finished"),
        "texts of each split at most": meta.get("limit"),
        "command": " ".join(map(str, command)) if isinstance(command := meta.get("command"), list) else None,
        "sha256 of the experiment": hashlib.sha256(resolved.encode()).hexdigest(),
        "sha256 of the archive": evidence.sha256,
    }
    return _known(facts)


def settings(evidence: Evidence) -> Facts:
    """What was trained how: the components and options that a reader compares runs by."""
    experiment = evidence.experiment
    scheme = experiment.model.sharing.to_json()
    facts = {
        "sharing": sharing(evidence),
        "encoder": ", ".join(kind for name in ("encoder", "module") if (kind := _type(scheme, name))),
        "embedder": experiment.model.embedder.type + ("" if experiment.model.share_embedder else ", one for each task"),
        "epochs": num_epochs(evidence),
        "weights kept": kept_in_words(evidence),
        "update strategy": update_strategies(evidence),
        "optimiser": experiment.trainer.optimizer.type,
        "seed": evidence.meta.get("seed", experiment.seed),
        "device": evidence.meta.get("device"),
        **kernels_of(evidence.meta),
        "texts of each split at most": evidence.meta.get("limit"),
    }
    return _known(facts)


def _known(facts: Mapping[str, Any]) -> Facts:
    return [(name, str(value)) for name, value in facts.items() if value not in (None, "")]


def duration(evidence: Evidence) -> str | None:
    """The time from the run's beginning to its end, in the unit that reads best; None where it is not known."""
    seconds = seconds_of(evidence)
    if seconds is None:
        return None
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if hours < 2 else f"{hours:.1f} h"


def seconds_of(evidence: Evidence) -> float | None:
    """The seconds from the run's beginning to its end, pauses included; None where they are not known."""
    try:
        began, ended = (datetime.fromisoformat(str(evidence.meta.get(name))) for name in ("created", "finished"))
        passed = (ended - began).total_seconds()
    except (ValueError, TypeError):
        return None
    return passed if passed > 0 else None


def texts(evidence: Evidence) -> dict[str, dict[str, dict[str, Any]]]:
    """The counts `read`, `used` and `skipped` by task and split, as the run recorded them, without malformed ones."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for task, splits in items(evidence.meta.get("texts")):
        for split, counts in items(splits):
            numbers = {name: count for name, count in items(counts) if isinstance(count, int)}
            if {"read", "used"} <= numbers.keys():
                skipped = {name: count for name, count in items(counts.get("skipped")) if isinstance(count, int)}
                found.setdefault(task, {})[split] = {**numbers, "skipped": skipped}
    return found


def num_epochs(evidence: Evidence) -> str:
    """The number of epochs of each stage, as far as it is known."""
    stages = stages_of(evidence.experiment)
    if evidence.metrics is None:
        return f"at most {' + '.join(str(stage.trainer.epochs) for stage in stages)}"
    kept = evidence.metrics.get("stages") or {"": evidence.metrics}
    return " + ".join(f"{stage['epochs']} {name}".strip() for name, stage in kept.items())


def update_strategies(evidence: Evidence) -> str:
    """The update strategy of each stage; an archive alone knows only that of its last stage."""
    stages = [stage for stage in evidence.settings.get("stages") or () if isinstance(stage, dict)]
    found = [(_type(stage, "trainer", "update_strategy"), stage.get("name")) for stage in stages]
    if not found or not all(kind for kind, _ in found):
        return evidence.experiment.trainer.update_strategy.type
    return " + ".join(f"{kind} {name}" for kind, name in found)


def _type(value: Any, *path: str) -> str | None:
    """The type of a component inside a JSON object; None where there is none."""
    for name in (*path, "type"):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _git(state: Any) -> str | None:
    if not isinstance(state, dict):
        return None
    return f"{state.get('commit')}{', with changes that were not committed' if state.get('dirty') else ''}"


def items(value: Any) -> list[tuple[str, Any]]:
    """The items of a JSON object; an empty list for any other value."""
    return [(str(name), each) for name, each in value.items()] if isinstance(value, dict) else []
