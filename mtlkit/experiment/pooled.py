"""The texts that `resplit` draws from: those of several files, none of which may hold the texts of another.

A file that is named twice, or a copy of it, would put the copies of one text into two splits: dev and test texts would
be trained on.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy

from mtlkit.data import Corpus, DatasetReader
from mtlkit.errors import DataError, MtlkitError
from mtlkit.experiment.settings import TaskSettings


def files_pooled_twice(task: TaskSettings, reader: DatasetReader) -> Iterator[str]:
    """Yields a message for each pooled split whose data are those of an earlier one. Reads nothing.

    Copies of a file are not noticed; `check_distinct` finds them by their texts.
    """
    earlier: dict[str, str] = {}
    for split, source in task.pooled().items():
        for other, known in earlier.items():
            if source == known or _is_one_file(source, known, reader):
                yield f"{split}: {_same_texts(task, split, other)}"
                break
        earlier[split] = source


def check_distinct(name: str, task: TaskSettings, corpora: Mapping[str, Corpus]) -> None:
    """Makes sure that no two of the pooled files hold the same texts, in whatever order.

    Args:
        name: the task's name, for messages.
        task: the settings of the task.
        corpora: the texts of each of its pooled splits.

    Raises:
        DataError: two of them do.
    """
    texts = {split: numpy.sort(corpus.digests) for split, corpus in corpora.items()}
    earlier: list[str] = []
    for split in texts:
        if other := next((other for other in earlier if numpy.array_equal(texts[other], texts[split])), None):
            raise DataError(f"tasks.{name}.{split}: {_same_texts(task, split, other)}")
        earlier.append(split)


def _same_texts(task: TaskSettings, split: str, other: str) -> str:
    sources = task.sources()
    which = other if sources[other] == sources[split] else f"{other} ({sources[other]})"
    return f"{sources[split]} holds the same texts as {which}; leave {split} out, since resplit draws it from {other}"


def _is_one_file(source: str, other: str, reader: DatasetReader) -> bool:
    """Whether two sources are paths of one file. A source that only names a part of a file, as a reader may have it, is
    not such a path.
    """
    paths = [Path(source), Path(other)]
    try:
        return [*reader.files(source), *reader.files(other)] == paths and paths[0].samefile(paths[1])
    except (MtlkitError, OSError, ValueError):  # one of them is missing or no path, which is reported elsewhere
        return False
