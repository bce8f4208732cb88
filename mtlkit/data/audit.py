"""Texts that occur in a corpus more than once, within and across splits and tasks.

A test text that occurs in the training data inflates the score. *Clean* test texts are those that equal no train or dev
text of any task, since models that share layers learn from the other tasks' texts too. Texts are compared by digest: as
a whole, word for word and case-sensitively.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.corpus import Corpus
from mtlkit.data.instance import Target

TRAIN, DEV, TEST = "train", "dev", "test"


@final
@dataclass(frozen=True)
class TaskAudit:
    """Counts of the texts of one task, or of all tasks together."""

    sizes: dict[str, int]
    """The number of texts by split."""
    repeats: dict[str, int]
    """The number of texts by split that equal an earlier text of the same split."""
    test_in_train: int
    """The number of test texts that are also in the task's own train split."""
    test_in_dev: int
    """The number of test texts that are also in the task's own dev split."""
    test_in_own: int
    """The number of test texts that are also in the task's own train or dev split."""
    test_in_others: dict[str, int]
    """The number of test texts by other task that are in its train or dev split. Tasks without any are left out."""
    clean: int
    """The number of test texts that are in no train or dev split of any task."""
    conflicts: int
    """The number of distinct texts of the task that have more than one target."""


@final
@dataclass(frozen=True)
class AuditReport:
    """The audit of each task, by name."""

    tasks: dict[str, TaskAudit]

    @property
    def total(self) -> TaskAudit:
        """The sums over all tasks, with the keys of `test_in_others` in the form `task in other`."""
        audits = self.tasks.values()
        return TaskAudit(
            sizes=_sums(audit.sizes for audit in audits),
            repeats=_sums(audit.repeats for audit in audits),
            test_in_train=sum(audit.test_in_train for audit in audits),
            test_in_dev=sum(audit.test_in_dev for audit in audits),
            test_in_own=sum(audit.test_in_own for audit in audits),
            test_in_others={
                f"{task} in {other}": count
                for task, audit in self.tasks.items()
                for other, count in audit.test_in_others.items()
            },
            clean=sum(audit.clean for audit in audits),
            conflicts=sum(audit.conflicts for audit in audits),
        )


def seen_digests(corpora: Iterable[Corpus]) -> NDArray[np.int64]:
    """Returns the distinct digests of the texts of these corpora, int64, sorted."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *(corpus.digests for corpus in corpora)]))


def clean_mask(test: Corpus, seen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which texts of `test` are not among the `seen` digests, bool (n,)."""
    return ~np.isin(test.digests, seen)


def audit(corpora: Mapping[str, Mapping[str, Corpus]]) -> AuditReport:
    """Audits corpora given by task and split. Each of the splits `train`, `dev` and `test` may be missing."""
    seen = {task: seen_digests(_learnt(splits)) for task, splits in corpora.items()}
    seen_by_any = seen_digests(corpus for splits in corpora.values() for corpus in _learnt(splits))
    return AuditReport({task: _audit(task, splits, seen, seen_by_any) for task, splits in corpora.items()})


def _audit(
    task: str, splits: Mapping[str, Corpus], seen: Mapping[str, NDArray[np.int64]], seen_by_any: NDArray[np.int64]
) -> TaskAudit:
    test = splits[TEST].digests if TEST in splits else np.empty(0, np.int64)

    def number_in(digests: NDArray[np.int64]) -> int:
        return int(np.isin(test, digests).sum())

    others = {other: number_in(digests) for other, digests in seen.items() if other != task}
    return TaskAudit(
        sizes={split: len(corpus) for split, corpus in splits.items()},
        repeats={split: len(corpus) - len(np.unique(corpus.digests)) for split, corpus in splits.items()},
        test_in_train=number_in(seen_digests(splits[split] for split in splits if split == TRAIN)),
        test_in_dev=number_in(seen_digests(splits[split] for split in splits if split == DEV)),
        test_in_own=number_in(seen[task]),
        test_in_others={other: count for other, count in others.items() if count},
        clean=len(test) - number_in(seen_by_any),
        conflicts=_conflicts(splits.values()),
    )


def _learnt(splits: Mapping[str, Corpus]) -> list[Corpus]:
    return [corpus for split, corpus in splits.items() if split in (TRAIN, DEV)]


def _conflicts(corpora: Iterable[Corpus]) -> int:
    targets: defaultdict[int, set[Target]] = defaultdict(set)
    for corpus in corpora:
        for index, digest in enumerate(corpus.digests.tolist()):
            if (target := corpus.target(index)) is not None:
                targets[digest].add(target)
    return sum(len(different) > 1 for different in targets.values())


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for by_split in counts:
        for split, count in by_split.items():
            sums[split] += count
    return dict(sums)
