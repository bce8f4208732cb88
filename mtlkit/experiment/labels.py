"""Labels that cannot be meant, found once data have been read: other columns, and labels that look the same."""

from collections.abc import Mapping, Sequence

import numpy as np

from mtlkit.config import Lazy
from mtlkit.data import Corpus, DatasetReader
from mtlkit.data.limits import MAX_ALL_LABELS, MAX_LABELS
from mtlkit.data.look_alikes import CASE, difference, look_alikes, seen, shown, written_alike
from mtlkit.data.mistaken_columns import mistaken_columns, odd_columns, odd_first_text, quoted_texts
from mtlkit.errors import DataError
from mtlkit.experiment.settings import TaskSettings
from mtlkit.types import Say, silent

SHOWN = 6
MARKS = {"nan", "NaN", "None", "NULL", "null", "N/A", "n/a", "#N/A", "<NA>"}
"""What programs write where a target is missing, and hardly anybody calls a label or a tag."""
MARKS_OF_LABELS = {"NA", "?", "-100"}
"""The same of labels; as tags, these may be meant."""


def check_columns(corpus: Corpus, split: str, source: str, reader: Lazy[DatasetReader]) -> None:
    """Refuses the corpus of a whole file if its labels look like something else (see `mistaken_columns`).

    Labels that the user has named in the setting with which the reader renames labels are taken for what they are.

    Raises:
        DataError: the first text looks like a header row, or the labels look like texts or ids.
    """
    if not _names_labels(reader) and (found := mistaken_columns(corpus, are_known=split != "train")):
        what, remedy = found
        raise DataError(f"{source}: {what}; {remedy}{_or_name_them(reader, ' if they are meant')}")


def check_labels(tasks: Mapping[str, TaskSettings], corpora: Mapping[str, Mapping[str, Corpus]], say: Say) -> None:
    """Refuses labels that look the same and cannot be meant, and reports what may be meant.

    Args:
        tasks: the settings of the tasks.
        corpora: the corpora of the tasks by split.
        say: receives lines about labels that differ in letter case or in what separates their words, labels with what
            is not seen, labels that may mark a missing target, columns that may be others, and texts in quotes.

    Raises:
        DataError: labels of a task, in one split or in two, look the same (see `look_alikes`); none of a split's labels
            occurs in the train split.
    """
    for task, splits in corpora.items():
        reader = tasks[task].reader
        labels, of_texts = [label for corpus in splits.values() for label in corpus.labels], _of_texts(splits)
        for group in look_alikes(labels, of_texts=of_texts):
            _check_group(task, splits, group, reader, say)
        if of_texts and not _names_labels(reader):
            _say_written_alike(task, splits, labels, say)
        for split, corpus in splits.items():
            _say_unseen(f"tasks.{task}.{split}", corpus, reader, say)
            _say_odd_texts(task, split, corpus, reader, say)
            _say_missing(f"tasks.{task}.{split}", corpus, reader, say)
        _check_known(task, splits, reader)


def check_known_labels(task: str, corpus: Corpus, known: Sequence[str], say: Say = silent) -> None:
    """Refuses data to score in which a label looks like one that the model knows and is another, or none is known.

    Texts in quotes are reported.

    Raises:
        DataError: there is such a label, or the model can give none of the labels.
    """
    of_texts, labels = corpus.target_kind == "label", corpus.label_counts()
    for group in look_alikes([*known, *labels], of_texts=of_texts):
        unknown = [label for label in group if label not in known]
        theirs = next((label for label in group if label in known), None)
        if not unknown or theirs is None:
            continue
        by = difference([unknown[0], theirs], of_texts=of_texts)
        if by != CASE or of_texts:
            found = _with_counts(unknown[0], {"the file": corpus})
            differs = f"differs from {shown(theirs)}, which the model knows, only in {by}"
            raise DataError(f"tasks.{task}: the label {found} {differs}; write it alike in the file")
    if labels and labels.keys().isdisjoint(known) and "over the limit" not in corpus.skipped:
        theirs = f"{_listed(labels)}; the model knows {_listed(dict.fromkeys(known, 0))}"
        raise DataError(
            f"tasks.{task}: the file has no label that the model knows ({theirs}); give a file with its labels"
        )
    _say_quoted(f"tasks.{task}", corpus, say)


def check_targets(name: str, task: TaskSettings, corpus: Corpus) -> None:
    """Refuses texts to train on that have no target.

    Raises:
        DataError: there is one; the first is named.
    """
    if (corpus.targets < 0).any():
        first = next(index for index in range(len(corpus)) if corpus.target(index) is None)
        number = f"{corpus.places[first] + 1:,} of {corpus.num_read:,}"
        raise DataError(f"tasks.{name}.train: {task.train}: text {number} has no target; training needs them all")


def check_number_of_labels(training: Mapping[str, Corpus]) -> None:
    """Refuses more labels than an archive may contain, which would otherwise fail only after training.

    Raises:
        DataError: a task has too many, or all together have.
    """
    remedy, total = "see that it is labels that the reader takes for labels, or make them fewer", 0
    for task, corpus in training.items():
        total += (count := len(corpus.label_counts()))
        if total > MAX_ALL_LABELS:
            raise DataError(
                f"tasks: have more than {MAX_ALL_LABELS:,} labels together, the most there may be; {remedy}"
            )
        if count > MAX_LABELS:
            raise DataError(f"tasks.{task}.train: has {count:,} labels, and may have {MAX_LABELS:,}; {remedy}")


def say_odd_labels(corpora: Mapping[str, Mapping[str, Corpus]], say: Say) -> None:
    """Reports labels that can never be predicted, and tasks with a single label."""
    for task, splits in corpora.items():
        known = splits["train"].label_counts()
        if len(known) == 1:
            say(f"tasks.{task}.train: every target is '{next(iter(known))}'; there is nothing to learn")
        for split, corpus in splits.items():
            if unknown := [label for label in corpus.label_counts() if label not in known]:
                say(f"tasks.{task}.{split}: targets that train lacks, and no model can give: {', '.join(unknown)}")


def _check_group(
    task: str, splits: Mapping[str, Corpus], group: list[str], reader: Lazy[DatasetReader], say: Say
) -> None:
    of_texts = _of_texts(splits)
    names_labels, by = _names_labels(reader), difference(group, of_texts=of_texts)
    forms = " and ".join(_with_counts(label, splits) for label in group[:SHOWN])
    what = f"tasks.{task}: the labels {forms} differ only in {by}"
    if by != CASE or (of_texts and not names_labels):
        if names_labels:
            remedy = f"write them alike in the reader's `{reader.component.renames_by}`"
        else:
            remedy = f"write them alike in the files{_or_name_them(reader)}"
        raise DataError(f"{what}; {remedy}")
    if not names_labels:
        say(f"{what}; they count as different ones")


def _check_known(task: str, splits: Mapping[str, Corpus], reader: Lazy[DatasetReader]) -> None:
    """Refuses a split of which no target can be right. Not where texts are over a limit: a few texts prove nothing."""
    if "train" not in splits or any("over the limit" in corpus.skipped for corpus in splits.values()):
        return
    known = splits["train"].label_counts()
    for split, corpus in splits.items():
        labels = corpus.label_counts()
        if known and labels and known.keys().isdisjoint(labels):
            theirs = f"{_listed(labels)}; train has {_listed(known)}"
            remedy = f"give files with the same labels{_or_name_them(reader)}"
            raise DataError(f"tasks.{task}.{split}: has no label that train has ({theirs}); {remedy}")


def _of_texts(splits: Mapping[str, Corpus]) -> bool:
    """Returns whether the labels are those of texts; tags are those of words."""
    return next(iter(splits.values())).target_kind == "label"


def _say_written_alike(task: str, splits: Mapping[str, Corpus], labels: Sequence[str], say: Say) -> None:
    for group in written_alike(labels):
        forms = " and ".join(_with_counts(label, splits) for label in group[:SHOWN])
        say(f"tasks.{task}: the labels {forms} may be meant to be one; they count as different ones")


def _say_unseen(place: str, corpus: Corpus, reader: Lazy[DatasetReader], say: Say) -> None:
    labels = corpus.label_counts()
    if (empty := next((label for label in labels if not seen(label)), None)) is not None:
        what = f"{place}: the label of text {_first_text(corpus, empty):,}, {shown(empty)}, has no visible character"
        where = f"the reader's `{reader.component.renames_by}`" if _names_labels(reader) else "the file"
        raise DataError(f"{what}; mend {where}")
    if odd := {label: count for label, count in labels.items() if seen(label) != label}:
        say(f"{place}: labels with white space or characters that are not seen: {_listed(odd)}")


def _say_odd_texts(task: str, split: str, corpus: Corpus, reader: Lazy[DatasetReader], say: Say) -> None:
    place = f"tasks.{task}.{split}"
    if not _names_labels(reader) and (odd := odd_columns(corpus, are_known=split != "train")):
        say(f"{place}: {odd}")
    _say_quoted(place, corpus, say)
    if not _names_labels(reader) and (first := odd_first_text(corpus)) is not None:
        say(f"{place}: the first text looks like a header row ({first}); it counts as a text")


def _say_missing(place: str, corpus: Corpus, reader: Lazy[DatasetReader], say: Say) -> None:
    """Reports labels that often mark a missing target, unless the user has said what does."""
    if getattr(reader.settings, "missing", ()) is not None or _names_labels(reader):
        return
    kind, marks = ("label", MARKS | MARKS_OF_LABELS) if corpus.target_kind == "label" else ("tag", MARKS)
    for label in corpus.label_counts():
        if label in marks:
            found = _with_counts(label, {"it": corpus})
            remedy = f"if it does, set the reader's `missing` to ['{label}']"
            say(f"{place}: the {kind} {found} may mark a missing target; {remedy}")


def _say_quoted(place: str, corpus: Corpus, say: Say) -> None:
    if count := quoted_texts(corpus):
        say(f"{place}: {count:,} of {len(corpus):,} texts stand in quotes, as in CSV; the quotes count as text")


def _names_labels(reader: Lazy[DatasetReader]) -> bool:
    """Returns whether the user has named the labels, in the setting with which the reader renames them."""
    setting = reader.component.renames_by
    return setting is not None and getattr(reader.settings, setting) is not None


def _or_name_them(reader: Lazy[DatasetReader], condition: str = "") -> str:
    """Returns the other remedy, where the reader has a setting for it."""
    setting = reader.component.renames_by
    return "" if setting is None else f", or name all labels in the reader's `{setting}`{condition}"


def _with_counts(label: str, splits: Mapping[str, Corpus]) -> str:
    counts = []
    for split, corpus in splits.items():
        number = corpus.label_counts().get(label, 0)
        if number:
            counts.append(f"{number:,} in {split}, first in text {_first_text(corpus, label):,}")
    return shown(label) + (f" ({'; '.join(counts)})" if counts else "")


def _first_text(corpus: Corpus, label: str) -> int:
    """Returns the number, from 1, of the first text with a label or tag, among those that were read."""
    place = int(np.argmax(corpus.targets == corpus.labels.index(label)))
    index = place if corpus.target_kind == "label" else int(np.searchsorted(corpus.offsets, place, side="right")) - 1
    return int(corpus.places[index]) + 1


def _listed(labels: Mapping[str, int]) -> str:
    return ", ".join(map(shown, list(labels)[:SHOWN])) + (", ..." if len(labels) > SHOWN else "")
