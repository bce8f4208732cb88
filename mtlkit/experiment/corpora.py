"""The data of a whole experiment: the splits of every task, and what is known of their texts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy
from numpy.typing import NDArray

from mtlkit.config import count_argument
from mtlkit.data import (
    Corpus,
    CorpusLoader,
    Normalization,
    TagScheme,
    cache_folder,
    clean_mask,
    resplit,
    seen_digests,
)
from mtlkit.errors import DataError
from mtlkit.experiment.labels import check_columns, check_labels, check_targets
from mtlkit.experiment.pooled import check_distinct
from mtlkit.experiment.seen_texts import count_seen, say_seen
from mtlkit.experiment.settings import SPLITS, Experiment, TaskSettings
from mtlkit.experiment.tags import read_tags
from mtlkit.types import Say, silent


@dataclass(frozen=True)
class Corpora:
    """The corpora of an experiment, by task and split."""

    by_task: dict[str, dict[str, Corpus]]
    tag_schemes: dict[str, TagScheme] = field(default_factory=dict)
    """The scheme in which the tags of each task are written in its files; here, tags that mark spans are IOB2. Tasks
    with labels of texts are missing, and so are those whose tags are taken as they are."""

    def of_split(self, split: str) -> dict[str, Corpus]:
        """The corpora of a split, by task; tasks without the split are missing."""
        return {task: splits[split] for task, splits in self.by_task.items() if split in splits}

    def counts(self) -> dict[str, dict[str, Any]]:
        """The counts of texts that were read, used and skipped, by task and split; see `counts_of`."""
        return {
            task: {split: counts_of(corpus) for split, corpus in splits.items()}
            for task, splits in self.by_task.items()
        }

    def facts(self) -> dict[str, Any]:
        """The entries of `meta.json` about the texts: how many there are, what identifies them, and how many dev and
        test texts are also trained on (see `count_seen`).
        """
        return {
            "texts": self.counts(),
            "identities": self.identities(),
            "seen_texts": self.seen_texts,
        }

    @cached_property
    def seen_texts(self) -> dict[str, dict[str, int]]:
        """The numbers of dev and test texts that are also trained on; see `count_seen`."""
        return count_seen(self.by_task)

    def identities(self) -> dict[str, dict[str, dict[str, str]]]:
        """SHA-256 digests of the `texts` and the `targets` that are used, by task and split.

        They are those of `Corpus.identity` and `Corpus.target_identity`.
        """
        return {
            task: {
                split: {"texts": corpus.identity, "targets": corpus.target_identity} for split, corpus in splits.items()
            }
            for task, splits in self.by_task.items()
        }

    def seen(self) -> NDArray[Any]:
        """Digests of all train and dev texts of all tasks; a test text that is among them is not clean."""
        return seen_digests(
            splits[name] for splits in self.by_task.values() for name in ("train", "dev") if name in splits
        )


def load_corpora(
    experiment: Experiment,
    *,
    splits: Sequence[str] = SPLITS,
    limit: int | None = None,
    trained: Mapping[str, TagScheme] | None = None,
    say: Say = silent,
) -> Corpora:
    """Reads the splits of every task, or takes them from the cache.

    Args:
        experiment: the experiment whose data to read.
        splits: the splits to read.
        limit: the largest number of texts of each split, for trials; None for all.
        trained: the tag schemes of a run that has begun, by task; None to recognise them.
        say: receives lines about what is being read, and about dev and test texts that are also trained on.

    Raises:
        DataError: a file is wrong; the message names its place in the experiment, the file and the line.
    """
    by_task: dict[str, dict[str, Corpus]] = {}
    tag_schemes: dict[str, TagScheme] = {}
    loader = loader_of(experiment.tasks.values(), splits, experiment.normalization)
    for name, task in experiment.tasks.items():
        found = [split for split in task.splits if split in splits]
        say(f"reading {name}: {', '.join(found)}")
        by_task[name], scheme = _load(name, task, found, limit, loader, trained, say)
        if scheme is not None:
            tag_schemes[name] = scheme
        say_counts(name, by_task[name], say)
    check_labels(experiment.tasks, by_task, say)
    corpora = Corpora(by_task, tag_schemes)
    # Only now that all tasks are read: a train text is also dropped if it equals a test text of another task.
    for split, drop in (("test", experiment.drop_test_texts), ("dev", experiment.drop_dev_texts)):
        corpora = _without_texts_of(split, corpora, say) if drop else corpora
    say_seen(experiment.tasks, corpora.by_task, corpora.seen_texts, say)
    return corpora


def counts_of(corpus: Corpus) -> dict[str, Any]:
    """The numbers of texts that were `read` and `used`, and under `skipped` of the others, by the reason. `structure`
    has the numbers of rows that belong to no text, by what they are.
    """
    counts: dict[str, Any] = {"read": corpus.num_read, "used": len(corpus)}
    by_name = {"skipped": corpus.skipped, "structure": corpus.structure}
    return counts | {name: numbers for name, numbers in by_name.items() if numbers}


def say_counts(task: str, splits: Mapping[str, Corpus], say: Say) -> None:
    """Reports how many texts each split has, how many were left out and why, and what in the files is not text."""
    sizes = []
    for split, corpus in splits.items():
        parts = (
            ("left out", skipped_told(corpus.skipped)),
            ("rows that are not words", structure_told(corpus.structure)),
        )
        notes = "; ".join(f"{name}: {told}" for name, told in parts if told)
        sizes.append(f"{len(corpus):,} {split}" + (f" ({notes})" if notes else ""))
    say(f"texts of {task}: {', '.join(sizes)}")


def skipped_told(skipped: Mapping[str, int]) -> str:
    """Writes the numbers of texts by the reason why they were left out, as in "3 rated 0, 1 without words"."""
    return ", ".join(f"{number:,} {reason}" for reason, number in skipped.items())


def structure_told(structure: Mapping[str, int]) -> str:
    """Writes the numbers of rows that belong to no text by what they are, as in "multiword tokens 3, empty nodes 1"."""
    return ", ".join(f"{kind} {number:,}" for kind, number in structure.items())


def load_split(
    name: str,
    task: TaskSettings,
    split: str,
    limit: int | None = None,
    *,
    normalization: Normalization,
    trained: Mapping[str, TagScheme] | None = None,
    loader: CorpusLoader | None = None,
    say: Say = silent,
) -> Corpus:
    """Loads one split of one task; see `load_splits`."""
    found = load_splits(
        name, task, [split], limit, normalization=normalization, trained=trained, loader=loader, say=say
    )
    return found[split]


def load_splits(
    name: str,
    task: TaskSettings,
    splits: Sequence[str],
    limit: int | None = None,
    *,
    normalization: Normalization,
    trained: Mapping[str, TagScheme] | None = None,
    loader: CorpusLoader | None = None,
    say: Say = silent,
) -> dict[str, Corpus]:
    """Loads splits of one task, redrawn if its settings say so, with texts cut to `max_length`. Reads each file once.

    Tags that mark spans are converted to IOB2.

    Args:
        name: the task's name, for messages and as part of the seed with which splits are redrawn.
        task: the settings of the task.
        splits: the splits to load.
        limit: the largest number of texts of each split; None for all.
        normalization: the normal form of the experiment.
        trained: the tag schemes with which models were trained, by task; tags of a task that is missing are taken as
            they are. None to recognise the scheme.
        loader: the loader of several tasks (see `loader_of`), which reads their files once for all; None for one of
            this task alone.
        say: receives a line about the scheme of the tags.

    Raises:
        ConfigError: the limit is not a whole number of at least 1.
        DataError: a file is wrong, a text to train on has no target, or splits cannot be drawn: there are too few
            texts, or, where no model was trained, two of the files to draw from hold the same ones.
    """
    loader = loader or loader_of([task], splits, normalization)
    return _load(name, task, splits, limit, loader, trained, say)[0]


def _load(
    name: str,
    task: TaskSettings,
    splits: Sequence[str],
    limit: int | None,
    loader: CorpusLoader,
    trained: Mapping[str, TagScheme] | None,
    say: Say,
) -> tuple[dict[str, Corpus], TagScheme | None]:
    """The splits of one task, and the scheme of its tags; None for labels of texts, and for tags taken as they are."""
    limit = count_argument(limit, "limit")  # The command line checks it as well; from Python any value may come.
    files = {split: _read(name, task, split, loader) for split in _splits_to_read(task, splits)}
    scheme = None
    if files and (trained is None or name in trained):
        tags = read_tags(name, task, files, trained[name] if trained else None, say)
        files, scheme = tags.files, tags.scheme
    if pooled := _pooled(task, splits):
        files |= _drawn_anew(name, task, {split: files[split] for split in pooled}, is_trained=trained is not None)
    found = {}
    for split in splits:
        corpus = files[split]
        if split == "train":
            check_targets(name, task, corpus)
        if limit is not None and limit < len(corpus):
            # Texts are spread over the whole file: the beginning of a file sorted by label has only one label.
            corpus = corpus.keep(numpy.linspace(0, len(corpus) - 1, limit).astype(numpy.int64), "over the limit")
        found[split] = corpus if task.max_length is None else corpus.cut(task.max_length)
    return found, scheme


def loader_of(tasks: Iterable[TaskSettings], splits: Sequence[str], normalization: Normalization) -> CorpusLoader:
    """Returns a loader for these splits of all tasks, which reads each file once, however many tasks are made of it."""
    wanted = [
        (task.reader, getattr(task, split))
        for task in tasks
        for split in _splits_to_read(task, [split for split in task.splits if split in splits])
    ]
    return CorpusLoader(wanted, cache=cache_folder(), normalization=normalization)


def _splits_to_read(task: TaskSettings, splits: Sequence[str]) -> list[str]:
    """The splits whose sources are read for those that are wanted: their own, and those that they are drawn from."""
    return list(dict.fromkeys([*(split for split in splits if split not in task.drawn), *_pooled(task, splits)]))


def _pooled(task: TaskSettings, splits: Sequence[str]) -> dict[str, str]:
    return task.pooled() if any(split in task.drawn for split in splits) else {}


def _drawn_anew(name: str, task: TaskSettings, files: dict[str, Corpus], *, is_trained: bool) -> dict[str, Corpus]:
    """The splits that are drawn from the texts of all of the task's pooled files together.

    An older mtlkit trained on files that hold the same texts. For such a model the splits are drawn as they were.
    """
    assert task.resplit is not None
    if not is_trained:
        check_distinct(name, task, files)
    try:
        return resplit(files, task.resplit, name)
    except DataError as error:
        raise DataError(f"tasks.{name}.resplit: {error}") from None


def _read(name: str, task: TaskSettings, split: str, loader: CorpusLoader) -> Corpus:
    """The corpus of one of the task's sources, which for most readers is a file."""
    try:
        corpus = loader.load(task.reader, getattr(task, split))
        check_columns(corpus, split, getattr(task, split), task.reader)
        return corpus
    except DataError as error:
        raise DataError(f"tasks.{name}.{split}: {error}") from None


def _without_texts_of(split: str, corpora: Corpora, say: Say) -> Corpora:
    """The corpora without the train texts that equal a text of the given split of any task."""
    held_out = seen_digests(corpora.of_split(split).values())
    by_task = {}
    for task, splits in corpora.by_task.items():
        train = splits["train"]
        kept = numpy.flatnonzero(clean_mask(train, held_out))
        if not len(kept):
            raise DataError(f"tasks.{task}.train: every text is a {split} text of some task; give other texts")
        if dropped := len(train) - len(kept):
            say(f"tasks.{task}.train: {dropped:,} of {len(train):,} texts are {split} texts of some task, and left out")
        by_task[task] = {**splits, "train": train.keep(kept, f"equal to a {split} text")}
    return replace(corpora, by_task=by_task)
