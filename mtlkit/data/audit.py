"""Texts that occur in a corpus more than once, within and across splits and tasks.

A test text that occurs in the training data inflates the score, and dev texts that do choose an epoch, or a setting, by
what was learnt by heart. *Clean* test texts are those that equal no train or dev text of any task, since models that
share layers learn from the other tasks' texts too. Texts are compared by digest: as a whole, in their normal form, word
for word and case-sensitively, unless an audit is asked to be lenient.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.corpus import Corpus, text_digest
from mtlkit.data.instance import Target
from mtlkit.data.normalization import normalized

TRAIN, DEV, TEST = "train", "dev", "test"
Digests = NDArray[np.int64]


@final
@dataclass(frozen=True)
class TaskAudit:
    """Counts of the texts of one task, or of all tasks together."""

    sizes: dict[str, int]
    """The number of texts by split."""
    repeats: dict[str, int]
    """The number of texts by split that equal an earlier text of the same split."""
    dev_in_train: int
    """The number of dev texts that are also in the task's own train split."""
    dev_in_others: dict[str, int]
    """The number of dev texts by other task that are in its train split. Tasks without any are left out."""
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
        """The sums over all tasks, with keys `task in other` in `dev_in_others` and `test_in_others`."""
        audits = self.tasks.values()
        return TaskAudit(
            sizes=_sums(audit.sizes for audit in audits),
            repeats=_sums(audit.repeats for audit in audits),
            dev_in_train=sum(audit.dev_in_train for audit in audits),
            dev_in_others=self._by_pair("dev_in_others"),
            test_in_train=sum(audit.test_in_train for audit in audits),
            test_in_dev=sum(audit.test_in_dev for audit in audits),
            test_in_own=sum(audit.test_in_own for audit in audits),
            test_in_others=self._by_pair("test_in_others"),
            clean=sum(audit.clean for audit in audits),
            conflicts=sum(audit.conflicts for audit in audits),
        )

    def _by_pair(self, counts: Literal["dev_in_others", "test_in_others"]) -> dict[str, int]:
        return {
            f"{task} in {other}": count
            for task, audit in self.tasks.items()
            for other, count in getattr(audit, counts).items()
        }


def seen_digests(corpora: Iterable[Corpus]) -> NDArray[np.int64]:
    """Returns the distinct digests of the texts of these corpora, int64, sorted."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *(corpus.digests for corpus in corpora)]))


def clean_mask(test: Corpus, seen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which texts of `test` are not among the `seen` digests, bool (n,). Fast if these ascend, as those of
    `seen_digests` do: tasks of one file ask for many small splits, and each is looked up among the texts of all.
    """
    if not len(seen):
        return np.ones(len(test), np.bool_)
    if (seen[1:] < seen[:-1]).any():
        seen = np.sort(seen)
    nearest: Digests = seen.take(np.searchsorted(seen, test.digests), mode="clip")
    return np.not_equal(nearest, test.digests)


def audit(
    corpora: Mapping[str, Mapping[str, Corpus]], *, ignore_case: bool = False, ignore_white_space: bool = False
) -> AuditReport:
    """Audits corpora given by task and split. Each of the splits `train`, `dev` and `test` may be missing.

    With `ignore_case` and `ignore_white_space`, texts that differ in nothing else are equal, for which the texts of the
    corpora have to be whole (see `with_lenient_digests`).
    """
    if ignore_case or ignore_white_space:
        how = {"ignore_case": ignore_case, "ignore_white_space": ignore_white_space}
        corpora = {
            task: {split: with_lenient_digests(corpus, **how) for split, corpus in splits.items()}
            for task, splits in corpora.items()
        }
    trained = {task: _digests(splits, TRAIN) for task, splits in corpora.items()}
    seen = {task: _digests(splits, TRAIN, DEV) for task, splits in corpora.items()}
    by_any = np.unique(np.concatenate([np.empty(0, np.int64), *seen.values()]))
    return AuditReport({task: _audit(task, splits, trained, seen, by_any) for task, splits in corpora.items()})


def _audit(
    task: str,
    splits: Mapping[str, Corpus],
    trained: Mapping[str, Digests],
    seen: Mapping[str, Digests],
    by_any: Digests,
) -> TaskAudit:
    """Audits one task. `trained` and `seen` are the digests of the train texts, and of the train and dev texts, of each
    task, `by_any` the latter of all tasks.
    """
    dev, test = splits.get(DEV), splits.get(TEST)
    return TaskAudit(
        sizes={split: len(corpus) for split, corpus in splits.items()},
        repeats={split: len(corpus) - len(np.unique(corpus.digests)) for split, corpus in splits.items()},
        dev_in_train=_number_in(dev, trained[task]),
        dev_in_others=_number_in_others(dev, task, trained),
        test_in_train=_number_in(test, trained[task]),
        test_in_dev=_number_in(test, _digests(splits, DEV)),
        test_in_own=_number_in(test, seen[task]),
        test_in_others=_number_in_others(test, task, seen),
        clean=0 if test is None else int(clean_mask(test, by_any).sum()),
        conflicts=_conflicts(splits.values()),
    )


def _digests(splits: Mapping[str, Corpus], *names: str) -> Digests:
    return seen_digests(splits[name] for name in names if name in splits)


def _number_in(texts: Corpus | None, digests: Digests) -> int:
    return 0 if texts is None else int((~clean_mask(texts, digests)).sum())


def _number_in_others(texts: Corpus | None, task: str, digests: Mapping[str, Digests]) -> dict[str, int]:
    counts = {other: _number_in(texts, theirs) for other, theirs in digests.items() if other != task}
    return {other: count for other, count in counts.items() if count}


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


def with_lenient_digests(corpus: Corpus, *, ignore_case: bool, ignore_white_space: bool) -> Corpus:
    """Returns the corpus with digests that are equal for texts which differ in nothing but these respects.

    Args:
        corpus: texts as they were read.
        ignore_case: whether texts are equal that differ in case, as `Straße` and `STRASSE`.
        ignore_white_space: whether texts are equal that are split into words at other places, as `co-op` and `co - op`.

    Raises:
        ValueError: a text was cut, so that it is not known how it goes on.
    """
    forms = [normalized(form.casefold(), "nfc") for form in corpus.forms] if ignore_case else corpus.forms
    digests = bytearray()
    for index in range(len(corpus)):
        start, end = corpus.offsets[index], corpus.offsets[index + 1]
        tokens = corpus.tokens[start:end].tolist()
        whole = int.from_bytes(text_digest(corpus.forms[token] for token in tokens), "little", signed=True)
        if whole != corpus.digests[index]:
            raise ValueError("a text was cut, and is to be compared as a whole; read the corpus without max_length")
        words = [forms[token] for token in tokens]
        digests += text_digest(["".join("".join(words).split())] if ignore_white_space else words)
    return replace(corpus, digests=np.frombuffer(digests, "<i8").astype(np.int64))
