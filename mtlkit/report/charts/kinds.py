"""Kinds of tasks, for drawings of many."""

from collections.abc import Mapping

from mtlkit.experiment import TaskSettings
from mtlkit.report.charts.theme import SERIES


def kinds_of(tasks: Mapping[str, TaskSettings]) -> dict[str, str]:
    """The kind of each task.

    Where all names end in `_` and a word, and at least two tasks share theirs, it is that word: `weblog_pos` is of the
    kind `pos`. Else it is the type of the task's head. More kinds than there are colours are one kind, the empty one.
    """
    endings = {task: task.rpartition("_")[2] if "_" in task else "" for task in tasks}
    named = all(endings.values()) and len(set(endings.values())) < len(tasks)
    kinds = endings if named else {task: settings.head.type for task, settings in tasks.items()}
    return kinds if len(set(kinds.values())) <= len(SERIES) else dict.fromkeys(tasks, "")
