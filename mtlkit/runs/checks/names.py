"""Names of tasks and stages that would mean something else on a command line, in a file or in a figure."""

import re
from collections.abc import Iterable, Iterator

from mtlkit.experiment import Experiment
from mtlkit.figures import AVERAGE, MAJORITY

MEANINGS = {
    "all": "--leave-out takes it for every task",
    AVERAGE: "figures use it for the mean over tasks",
    "clean": "figures use it for the test texts that no training or dev text equals",
    "dev": "it is the name of a split",
    MAJORITY: "figures use it for the share of the most frequent label",
    "model": "an archive uses it for the weights that serve all tasks",
    "shared": "a model uses it for what belongs to all tasks",
    "test": "it is the name of a split",
    "train": "it is the name of a split",
    "transfer": "transfer uses it for its own table",
}
"""What each reserved name means elsewhere, in any mixture of upper and lower case."""
DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
"""Names of devices on Windows, where no file can have them."""
LONGEST = 100
"""Files and folders are named after tasks and stages, with endings of their own; file systems allow 255 bytes."""


def name_problems(experiment: Experiment) -> Iterator[str]:
    """Reports names that collide with a meaning they have elsewhere, or with each other where files are named.

    The characters of names are checked when an experiment is validated, which includes the opening of an archive. The
    checks here apply to training only, so that archives with such names can still be used for prediction.
    """
    for name in experiment.tasks:
        if problem := _as_file(name) or _as_word(name):
            yield f"tasks.{name}: this cannot be a task's name: {problem}"
    if pair := _alike(experiment.tasks):
        yield f"tasks.{pair[1]}: differs from the task '{pair[0]}' only in upper and lower case; rename one of them"
    stages = [stage.name for stage in experiment.stages]
    for number, name in enumerate(stages):
        if problem := _as_file(name):
            yield f"stages.{number}.name: '{name}' cannot be a stage's name: {problem}"
    if pair := _alike(stages):
        yield (
            f"stages.{stages.index(pair[1])}.name: '{pair[1]}' differs from '{pair[0]}' only in upper and lower case; "
            "rename one of them"
        )


def _as_word(name: str) -> str | None:
    meaning = MEANINGS.get(name.casefold())
    return f"{meaning}; choose another name" if meaning else None


def _as_file(name: str) -> str | None:
    if name.startswith("-"):
        return "a command line would read it as an option; begin it with a letter, a digit or '_'"
    if len(name) > LONGEST:
        return f"it has {len(name)} characters, and at most {LONGEST} are allowed"
    if DEVICES.fullmatch(name):
        return "Windows uses it for a device; choose another name"
    return None


def _alike(names: Iterable[str]) -> tuple[str, str] | None:
    """The first two names that would name the same file where a file system ignores case, as on macOS and Windows."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            return other, name
    return None
