"""Whether the texts to score are those that an archive's run was trained or scored on, where they should be."""

import os
from collections.abc import Iterator

from mtlkit.archive import Archive
from mtlkit.data import Corpus, Vocabulary, clean_mask
from mtlkit.data.tag_schemes.forms import Role, role_of
from mtlkit.experiment import TaskSettings, files_pooled_twice, load_split, loader_of, structure_told
from mtlkit.files import file_sha256, is_file
from mtlkit.runs.basis import LIMIT, SplitBasis, basis_of
from mtlkit.runs.data_to_score import Wanted, tasks_to_score
from mtlkit.text import on_one_line

MOST = 0.5
"""The share of texts seen in training above which figures say little about new texts."""


def notes_on_texts(
    archive: Archive, name: str, settings: TaskSettings, corpus: Corpus, wanted: Wanted
) -> Iterator[str]:
    """Yields sentences about the texts of a task that a reader of their figures should know.

    Args:
        archive: the trained model.
        name: the task.
        settings: the task's settings, with the data that it is scored on.
        corpus: these data.
        wanted: what is scored.
    """
    if (changed := other_texts(archive, name, settings, corpus, wanted)) is not None:
        yield changed
    scores_spans = any(metric.component.needs_spans for metric in settings.scorers())
    if scores_spans and (tags := tags_that_end_spans(name, archive.vocabulary)):
        yield (
            f"{name}: the mtlkit that trained the model did not know that tags such as {on_one_line(tags[0])} end a "
            "span, so span scores do not compare with the run's own"
        )
    is_held_out = wanted.split in settings.drawn and wanted.split != "train"
    if is_held_out and any(files_pooled_twice(settings, archive.reader_for(name))):
        # Refused when a run begins; an older mtlkit trained on such data.
        yield (
            f"{name}: resplit drew the texts from a file that is named twice, {settings.train}, so most of them were "
            "also trained on, and the figures say little about new texts"
        )
        return
    if wanted.split != "test" and _is_own_source(archive, name, settings, wanted):
        return  # train and dev texts are known to be seen
    seen = len(corpus) - int(clean_mask(corpus, archive.seen).sum())
    if seen > MOST * len(corpus):
        yield (
            f"{name}: {seen:,} of {len(corpus):,} texts are train or dev texts of the run, so the figures say little "
            "about new texts"
        )


def tags_that_end_spans(task: str, vocabulary: Vocabulary) -> list[str]:
    """The tags of a task that end a span, which versions without tag schemes did not know.

    Empty if the vocabulary knows the scheme of the task's tags. Span scores of such a model are other than they were.
    """
    if task in vocabulary.tag_schemes:
        return []
    return [label for label in vocabulary.labels(task) if role_of(label)[0] in (Role.END, Role.SINGLE)]


def first_other_texts(archive: Archive, wanted: Wanted) -> str | None:
    """The sentence of `other_texts` about the first task to score that has one, or None."""
    tasks, form = tasks_to_score(archive, wanted), archive.experiment.normalization
    loader = loader_of(tasks.values(), [wanted.split], form)
    for name, settings in tasks.items():
        corpus = load_split(
            name,
            settings,
            wanted.split,
            wanted.limit,
            normalization=form,
            trained=archive.vocabulary.tag_schemes,
            loader=loader,
        )
        if (changed := other_texts(archive, name, settings, corpus, wanted)) is not None:
            return changed
    return None


def other_texts(archive: Archive, name: str, settings: TaskSettings, corpus: Corpus, wanted: Wanted) -> str | None:
    """A sentence that says that a split which the experiment names is not what it was when the run was trained.

    None where it is the same, where nothing about it was recorded, and where the user names another file for the task.
    """
    split = wanted.split
    if not _is_own_source(archive, name, settings, wanted):
        return None
    place = getattr(settings, split) or settings.train
    known = basis_of(archive.meta, archive.experiment.to_json()).split(name, split)
    experiment = archive.experiment
    is_dropped_from = split == "train" and (experiment.drop_test_texts or experiment.drop_dev_texts)
    if known.texts is not None and archive.meta.get(LIMIT) == wanted.limit and not is_dropped_from:
        what = _what_differs(known, corpus)
    else:
        what = "file" if known.files is not None and _files_now(archive, name, settings, split) != known.files else None
    if what is None:
        has_same_limit = archive.meta.get(LIMIT) == wanted.limit and not is_dropped_from
        if known.texts is None and (how := how_read_otherwise(known, corpus, has_same_limit)) is not None:
            return (
                f"{name}: {place} is read otherwise than by the mtlkit that trained the model{how}, so these figures "
                "do not compare with its own"
            )
        return None
    numbers = f" ({len(corpus):,} texts against {known.used:,})" if what == "texts" and known.used is not None else ""
    return (
        f"{name}: the {what} of {place} changed since the run was trained{numbers}, so these figures do not compare "
        "with its own"
    )


def how_read_otherwise(known: SplitBasis, corpus: Corpus, are_counted: bool = True) -> str | None:
    """How the texts of a file that is as it was differ from those that were read of it, in brackets; None if not.

    Args:
        known: what a run has recorded of them.
        corpus: the texts that are read now.
        are_counted: whether the number of texts should be the same.
    """
    if are_counted and known.used not in (None, len(corpus)):
        return f" ({len(corpus):,} texts against {known.used:,})"
    if known.texts is not None:
        return " (other words or targets)" if are_counted and _what_differs(known, corpus) else None
    # Versions that did not record the texts knew no such rows, and read them as words.
    return f" (rows that are not words any more: {structure_told(corpus.structure)})" if corpus.structure else None


def _what_differs(known: SplitBasis, corpus: Corpus) -> str | None:
    if known.texts != corpus.identity:
        return "texts"
    return "targets" if known.targets not in (None, corpus.target_identity) else None


def _is_own_source(archive: Archive, name: str, settings: TaskSettings, wanted: Wanted) -> bool:
    """Whether the texts are from where the experiment says, or from a folder with its files, as a split of its own."""
    if wanted.file is None and name not in wanted.files:
        return True
    own = archive.experiment.tasks[name]
    given, source = getattr(settings, wanted.split), getattr(own, wanted.split)
    return own.resplit is None and source is not None and _is_one_place(archive, given, source)


def _is_one_place(archive: Archive, given: str, source: str) -> bool:
    """Whether the path that the user gives is that of the archive, which is not looked up if a stranger may name it."""
    if os.path.abspath(given) == os.path.abspath(source):
        return True
    return archive.data_of_training is not None and os.path.realpath(given) == os.path.realpath(source)


def _files_now(archive: Archive, name: str, settings: TaskSettings, split: str) -> tuple[str, ...] | None:
    """The digests of the files of a split as they are now; None if one is missing."""
    is_drawn = settings.resplit is not None and split in settings.resplit.splits
    sources = list(settings.pooled().values()) if is_drawn else [getattr(settings, split)]
    files = [file for source in sources for file in archive.reader_for(name).files(source)]
    return tuple(map(file_sha256, files)) if all(map(is_file, files)) else None
