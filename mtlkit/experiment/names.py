"""Names of tasks and stages: which no model can have, and which would mean something else elsewhere."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn

from mtlkit.figures import AVERAGE, MAJORITY
from mtlkit.model import SHARED

MEANINGS = {
    "all": "--leave-out takes it for every task",
    AVERAGE: "figures use it for the mean over tasks",
    "clean": "figures use it for the test texts that no training or dev text equals",
    "dev": "it is the name of a split",
    MAJORITY: "figures use it for the share of the most frequent label",
    "model": "an archive uses it for the weights that serve all tasks",
    SHARED: "a model uses it for what belongs to all tasks",
    "test": "it is the name of a split",
    "train": "it is the name of a split",
    "transfer": "transfer uses it for its own table",
}
"""What each reserved name means elsewhere, in any mixture of upper and lower case."""
IMPOSSIBLE = (AVERAGE, SHARED)
"""The reserved names that no archive has, spelt like this: a model or its figures could not be told apart."""
DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
"""Names of devices on Windows, where no file can have them."""
LONGEST = 100
"""Files and folders are named after tasks and stages, with endings of their own; file systems allow 255 bytes."""


def impossible_task(name: str) -> str | None:
    """Why no model can have a task of this name, with the remedy; None if it can."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return "this cannot be a task's name; use letters, digits, '_' and '-'"
    # PyTorch keeps modules by the name of their task, next to its own attributes.
    if name in IMPOSSIBLE or hasattr(nn.ModuleDict(), name):
        meaning = _as_word(name) or "PyTorch's modules have an attribute of this name; choose another name"
        return f"this cannot be a task's name: {meaning}"
    return None


def name_problems(experiment: Any) -> Iterator[str]:
    """Yields a problem for each name in an experiment that collides with a meaning it has elsewhere, or with another
    name where files are named.

    These checks are for experiments that are loaded, not for those in archives: an older archive with a task named
    `all` can still be used for prediction. They are made on the JSON value, so that problems of names are reported
    together with all others.

    Args:
        experiment: the JSON value of the experiment, not validated yet.
    """
    found = experiment if isinstance(experiment, dict) else {}
    tasks = list(found["tasks"]) if isinstance(found.get("tasks"), dict) else []
    for name in tasks:
        if problem := impossible_task(name):
            yield f"tasks.{name}: {problem}"
        elif problem := _as_file(name) or _as_word(name):
            yield f"tasks.{name}: this cannot be a task's name: {problem}"
    for other, name in _alike(tasks):
        yield f"tasks.{name}: differs from the task '{other}' only in upper and lower case; rename one of them"
    yield from _stage_problems(found.get("stages"))


def _stage_problems(stages: Any) -> Iterator[str]:
    listed = stages if isinstance(stages, list) else []
    given = {number: stage.get("name") for number, stage in enumerate(listed) if isinstance(stage, dict)}
    names = {number: name for number, name in given.items() if isinstance(name, str)}
    for number, name in names.items():
        if problem := _as_file(name):
            yield f"stages.{number}.name: '{name}' cannot be a stage's name: {problem}"
    for other, name in _alike(names.values()):
        number = next(number for number, each in names.items() if each == name)
        yield f"stages.{number}.name: '{name}' differs from '{other}' only in upper and lower case; rename one of them"


def _as_word(name: str) -> str | None:
    meaning = MEANINGS.get(name.casefold())
    return f"{meaning}; choose another name" if meaning else None


def _as_file(name: str) -> str | None:
    if name.startswith("-"):
        return "a command line would read it as an option; begin it with a letter, a digit or '_'"
    if len(name) > LONGEST:
        return f"it has {len(name)} characters; use at most {LONGEST}"
    if DEVICES.fullmatch(name):
        return "Windows uses it for a device; choose another name"
    return None


def _alike(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields each name with an earlier one that would name the same file on a file system that ignores case, as those
    of macOS and Windows do.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield other, name
