"""The digests of the files that an experiment reads: as they were when they were read, and as they are now."""

from collections.abc import Iterable
from pathlib import Path

from mtlkit.data import build_reader
from mtlkit.errors import DataError
from mtlkit.experiment.corpora import Corpora
from mtlkit.experiment.settings import Experiment
from mtlkit.files import Fingerprint, file_sha256


def data_hashes(experiment: Experiment) -> dict[str, str]:
    """SHA-256 of every data file that the experiment would read now, by its path.

    For the files that were read, see `hashes_of_read`: a file may have changed since.
    """
    files = set(_other_files(experiment))
    for task in experiment.tasks.values():
        reader = build_reader(task.reader, experiment.normalization)
        for source in task.sources().values():
            files.update(reader.files(source))
    return {str(file): file_sha256(file) for file in sorted(files)}


def hashes_of_read(corpora: Corpora, others: Iterable[Fingerprint]) -> dict[str, str]:
    """SHA-256 of the bytes that were parsed of every data file, by its path, sorted as by `data_hashes`.

    Args:
        corpora: the corpora that were read.
        others: the return value of `other_fingerprints`.

    Raises:
        DataError: the same file was read several times, and changed in between.
    """
    found = {str(each.path): each.sha256 for each in others}
    for splits in corpora.by_task.values():
        for path, digest in (item for corpus in splits.values() for item in corpus.file_digests.items()):
            if found.setdefault(path, digest) != digest:
                raise DataError(f"{path}: changed while it was read; start again when nothing writes to it any more")
    return {str(path): found[str(path)] for path in sorted(map(Path, found))}


def other_fingerprints(experiment: Experiment) -> list[Fingerprint]:
    """The fingerprints of the files besides those of tasks: the vectors, and the archives of `model.pretrained`.

    They are taken before the files are read. Code that reads one of the files must call `check_unchanged` afterwards.
    """
    return list(map(Fingerprint.of, dict.fromkeys(_other_files(experiment))))


def _other_files(experiment: Experiment) -> list[Path]:
    vectors = experiment.vocabulary.pretrained
    return [*([] if vectors is None else [vectors]), *(entry.archive for entry in experiment.model.pretrained)]
