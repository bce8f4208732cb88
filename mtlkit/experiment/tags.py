"""The tags of a task's files: their scheme, recognised or as set, and their conversion to IOB2."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final, get_args

from mtlkit.data import (
    Corpus,
    SchemeSetting,
    TagScheme,
    as_iob2,
    build_reader,
    recognise,
    scheme_of_file,
    texts_that_violate,
)
from mtlkit.errors import DataError
from mtlkit.experiment.settings import TaskSettings
from mtlkit.types import Say


@final
@dataclass(frozen=True)
class ReadTags:
    """The files of a task with their tags in IOB2 where these mark spans; labels of texts are as they were."""

    files: dict[str, Corpus]
    """By split."""
    scheme: TagScheme | None
    """The scheme of the training data, or of the first file where there are none; None for labels of texts."""


def read_tags(
    name: str, task: TaskSettings, files: Mapping[str, Corpus], trained: TagScheme | None, say: Say
) -> ReadTags:
    """Recognises the tag scheme of a task's files and converts their tags to IOB2.

    The scheme is that of the training data, or of the model that is trained already. A file whose tags do not fit it is
    read in the scheme that is recognised from its own.

    Args:
        name: the task's name, for messages.
        task: the settings of the task.
        files: the corpora, as the reader gave them, by split.
        trained: the scheme with which the task's model was trained; None if it is to be recognised.
        say: receives a line about the scheme, and about tags that violate it.

    Raises:
        DataError: the tags of a file can be read in more than one way, or not at all.
    """
    if next(iter(files.values())).target_kind != "tags":
        return ReadTags(dict(files), None)
    first = "train" if "train" in files else next(iter(files))
    own = {first: _scheme_of(name, task, first, files[first], trained)}
    known = trained or own[first]
    for split in files.keys() - own.keys():
        own[split] = _scheme_of(name, task, split, files[split], known, is_trained=trained is not None)
    _say_schemes(name, own, known, say)
    for split, corpus in files.items():
        _say_violations(f"tasks.{name}.{split}", corpus, own[split], say)
    return ReadTags({split: as_iob2(corpus, own[split]) for split, corpus in files.items()}, known)


def _scheme_of(
    name: str, task: TaskSettings, split: str, corpus: Corpus, known: TagScheme | None, *, is_trained: bool = True
) -> TagScheme:
    """The scheme of a file.

    Args:
        name: the task's name.
        task: its settings.
        split: the split that the file holds.
        corpus: what the reader gave.
        known: the scheme of the training data; None if this file decides it.
        is_trained: whether a model was trained with that scheme, so that settings cannot be changed any more.
    """
    setting = _setting(name, task)
    try:
        return recognise(corpus, setting) if known is None else scheme_of_file(corpus, known, setting)
    except DataError as error:
        what, _, remedy = str(error).partition("; ")
        if known is not None and is_trained:
            remedy = f"write the file's tags in {known.title}, as those of the training data are"
        elif "scheme" not in type(task.reader.settings).model_fields:
            remedy = "mend the tags, since the reader has no setting for their scheme"
        raise DataError(f"tasks.{name}.{split}: {getattr(task, split)}: {what}; {remedy}") from None


def _setting(name: str, task: TaskSettings) -> SchemeSetting:
    """The scheme that the task's reader names. A plugin's reader may have any value there, and raises DataError."""
    setting = build_reader(task.reader, "none").scheme
    if setting not in (known := get_args(SchemeSetting)):
        raise DataError(
            f"tasks.{name}.reader: the attribute `scheme` of {task.reader.type} is {setting!r}, and should be the tag "
            f"scheme of its files; set it to {', '.join(map(repr, known[:-1]))} or {known[-1]!r} in its code"
        )
    return setting


def _say_schemes(name: str, own: Mapping[str, TagScheme], known: TagScheme, say: Say) -> None:
    """Says the scheme of the task's tags, and of files whose scheme is another."""
    say(f"tags of {name}: {known}")
    for split, scheme in own.items():
        if scheme != known:
            say(f"tags of {name} in {split}: {scheme}")


def _say_violations(place: str, corpus: Corpus, scheme: TagScheme, say: Say) -> None:
    """Says in how many texts tags violate their scheme."""
    violating = texts_that_violate(corpus, scheme)
    if not len(violating):
        return
    first = f"in {len(violating):,} texts", f"first in text {corpus.places[violating[0]] + 1:,}"
    if scheme.name == "iob2":
        say(f"{place}: {first[0]} an I- tag continues no span, {first[1]}; it counts as the beginning of one")
    else:
        say(f"{place}: {first[0]} a tag violates {scheme.title}, {first[1]}; spans are read as conlleval reads them")
