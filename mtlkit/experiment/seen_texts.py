"""Dev and test texts that are also trained on: counted, and reported before the training begins.

Texts are compared across tasks, since models that share layers learn from the other tasks' texts too.
"""

from collections.abc import Collection, Mapping

import numpy
from numpy.typing import NDArray

from mtlkit.data import Corpus, clean_mask, seen_digests
from mtlkit.experiment.settings import TaskSettings
from mtlkit.types import Say

SEEN_IN = {"dev": ("train",), "test": ("train", "dev")}
"""The splits whose texts a split should not contain: a model learns from the former, and is chosen by the latter."""

Splits = Mapping[str, Corpus]


def count_seen(by_task: Mapping[str, Splits]) -> dict[str, dict[str, int]]:
    """The number of dev texts that are train texts of some task, and of test texts that are train or dev texts of some
    task: by split, then by task. Tasks without any are left out.
    """
    found: dict[str, dict[str, int]] = {}
    for split, elsewhere in SEEN_IN.items():
        seen = _digests_of(by_task.values(), elsewhere)
        counts = {task: _number_in(splits[split], seen) for task, splits in by_task.items() if split in splits}
        found[split] = {task: count for task, count in counts.items() if count}
    return found


def say_seen(
    tasks: Mapping[str, TaskSettings], by_task: Mapping[str, Splits], seen: Mapping[str, Mapping[str, int]], say: Say
) -> None:
    """Reports what `count_seen` has counted: a line for each split of which the task's own data have every text, as
    where one file is named for two splits, and a line for all other tasks.
    """
    for split, counts in seen.items():
        partly = []
        for task, count in counts.items():
            splits = by_task[task]
            own = _number_in(splits[split], _digests_of([splits], SEEN_IN[split]))
            if own == len(splits[split]):
                say(f"tasks.{task}.{split}: {_all_seen(split, own, tasks[task])}")
            else:
                partly.append(f"{task} {count:,} of {len(splits[split]):,}")
        if partly:
            remedy = _DRAW_ALIKE if _drawn_apart(tasks, by_task, counts) else _PARTLY_SEEN[split][1]
            say(f"{_PARTLY_SEEN[split][0]}: {', '.join(partly)}; {remedy}")


_PARTLY_SEEN = {
    "dev": ("dev texts that are also train texts of some task", "drop_dev_texts leaves them out of training"),
    "test": ("test texts that are also train or dev texts of some task", "clean figures leave them out"),
}
_DRAW_ALIKE = "give tasks with the same files the same resplit, with one drawn_as, so that they are drawn alike"
_WORTH = {
    "dev": "train texts of the task, so that dev figures say nothing of new texts",
    "test": "train or dev texts of the task, so that test figures say nothing of new texts",
}


def _all_seen(split: str, count: int, task: TaskSettings) -> str:
    """The message about a split all of whose texts are in the task's other splits, with a way to have other ones."""
    if task.resplit is None:
        sizes = "dev: N" if split == "dev" else "dev: N, test: M"
        remedy = f"leave {split} out and set resplit: {{ {sizes}, keep_together: true }}, which draws it"
    elif split in task.resplit.splits:
        remedy = "set resplit.keep_together"
    else:
        remedy = f"leave {split} out and set resplit.{split}, which draws it"
    return f"all {count:,} texts are {_WORTH[split]}; {remedy}"


def _drawn_apart(tasks: Mapping[str, TaskSettings], by_task: Mapping[str, Splits], counts: Mapping[str, int]) -> bool:
    """Whether one of the tasks counted is drawn from the same texts as another task, but not alike.

    Those of one file are not the same where some lack one task's target.
    """
    draws = {name: (task.resplit, task.resplit.drawn_as or name) for name, task in tasks.items() if task.resplit}
    return any(
        tasks[name].pooled() == tasks[other].pooled()
        and _num_drawn(by_task[name]) == _num_drawn(by_task[other])
        and draws[name] != draws[other]
        for name in counts
        for other in draws
        if name in draws
    )


def _num_drawn(splits: Splits) -> int:
    return sum(len(corpus) for corpus in splits.values())


def _digests_of(tasks: Collection[Splits], names: Collection[str]) -> NDArray[numpy.int64]:
    return seen_digests(splits[name] for splits in tasks for name in names if name in splits)


def _number_in(corpus: Corpus, seen: NDArray[numpy.int64]) -> int:
    return int((~clean_mask(corpus, seen)).sum())
