"""Which data are scored: the splits of an experiment, found where the user says that they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from mtlkit.archive import Archive
from mtlkit.data import Corpus, CorpusLoader, VaderReader
from mtlkit.errors import ConfigError, DataError
from mtlkit.experiment import SPLITS, TaskSettings, load_split
from mtlkit.files import is_file
from mtlkit.runs.named_by_archive import check_made_here, check_same_files, is_name, relocated
from mtlkit.text import printable
from mtlkit.training.precision import Precision
from mtlkit.types import Say

OtherData: TypeAlias = str | Path | Mapping[str, str | Path] | None
"""Data in place of those that an experiment names: a folder, or a mapping from tasks to files."""


@dataclass(frozen=True)
class Wanted:
    """What to score: a split, tasks and data.

    Raises:
        ConfigError: there is no such split, or data are given twice.
    """

    split: str = "test"
    """`train`, `dev` or `test`; for `test`, clean figures are reported beside the standard ones."""
    tasks: Sequence[str] = ()
    """The tasks to score; empty for all that have the split."""
    file: str | None = None
    """The data of the only task, in place of those that the experiment names."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Data by task, in place of those that the experiment names; the other tasks keep their own."""
    folders: Sequence[Path] = ()
    """Folders in which to look for all other data files, by their paths in the experiment or by their names alone.

    Empty if the files are where the experiment says, which is only heard where its archive was made here.
    """
    limit: int | None = None
    """The largest number of texts of each task; None for all."""
    batch_size: int | None = None
    """The number of texts in a batch; None for the experiment's setting."""
    precision: Precision | None = None
    """What is computed in, `fp32` or `bf16`; None for the precision of training."""

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ConfigError(f"there is no split {self.split}; use {', '.join(SPLITS)}")
        if self.file is not None and (self.files or self.folders):
            raise ConfigError("--file and --data both say which data are scored; give one of them")


def tasks_to_score(archive: Archive, wanted: Wanted) -> dict[str, TaskSettings]:
    """The settings of the tasks to score, with the data that they are scored on, which are not read.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is missing, or nobody but the author of an archive from elsewhere says which file to read.
    """
    known, split = archive.experiment.tasks, wanted.split
    if unknown := [name for name in (*wanted.tasks, *wanted.files) if name not in known]:
        raise ConfigError(f"{archive.path}: no task '{unknown[0]}' in the archive; its tasks are {', '.join(known)}")
    chosen = {name: known[name] for name in wanted.tasks or known}
    files = dict(wanted.files)
    if wanted.file is not None:
        if len(chosen) != 1:
            raise ConfigError("--file holds one task's data; say whose with --task")
        files = dict.fromkeys(chosen, wanted.file)
    found = {
        name: _with_data(archive, name, settings, wanted, files.get(name))
        for name, settings in chosen.items()
        if name in files or split in settings.splits
    }
    if not found:
        raise ConfigError(
            f"{archive.path}: no {split} split for {', '.join(chosen)}; give other data with --task NAME --file FILE"
        )
    return found


def _with_data(archive: Archive, name: str, settings: TaskSettings, wanted: Wanted, file: str | None) -> TaskSettings:
    """The settings of a task with the data that it is scored on, after a check that the user means the file, and that
    it exists.
    """
    split, place = wanted.split, f"{archive.path}: tasks.{name}"
    pooled = settings.pooled()
    needed: Sequence[str] = (split,) if settings.resplit is None or split not in settings.resplit.splits else [*pooled]
    named_by_user = file is not None or bool(wanted.folders)
    if file is not None:
        settings = settings.model_copy(update={split: file, "resplit": None})
        needed = (split,)
    elif wanted.folders:
        moved = {
            each: relocated(source, wanted.folders, f"{place}.{each}", is_drawn=each in settings.drawn)
            for each in needed
            if not is_name(settings, source := getattr(settings, each))
        }
        settings = settings.model_copy(update=moved)
    for each in needed:
        if not named_by_user:
            check_made_here(archive, name, settings, each)
    reader = archive.reader_for(name)
    for each in needed:
        files = reader.files(getattr(settings, each))
        missing = [path for path in files if not is_file(path)]
        if missing:
            option = "--data FOLDER" if each in settings.drawn else "--data TASK=FILE or --data FOLDER"
            remedy = f"say where it is with {option}"
            if reader.fetches:  # an archive may come from a stranger, who is not to start downloads
                remedy = f"an archive starts no download; {_fetched_by(settings)}--data TASK=FILE gives other data"
            raise DataError(f"{place}.{each}: no file {printable(str(missing[0]))}; {remedy}")
        if not named_by_user:
            check_same_files(archive, name, settings, each, files)
    return settings


def _fetched_by(settings: TaskSettings) -> str:
    return "`mtlkit data fetch vader` does, and " if settings.reader.component is VaderReader else ""


def load_to_score(
    archive: Archive, name: str, settings: TaskSettings, wanted: Wanted, loader: CorpusLoader, say: Say
) -> Corpus:
    """Reads the data on which a task is scored, as those of training were read.

    Args:
        archive: the trained model.
        name: the task.
        settings: the task's settings, with the data.
        wanted: what is scored.
        loader: the loader of all tasks that are scored.
        say: receives a line about the scheme of tags.

    Raises:
        DataError: a file is wrong.
    """
    try:
        return load_split(
            name,
            settings,
            wanted.split,
            wanted.limit,
            normalization=archive.experiment.normalization,
            trained=archive.vocabulary.tag_schemes,
            loader=loader,
            say=say,
        )
    except DataError as error:
        raise of_trained_reader(error) from None


def of_trained_reader(error: DataError) -> DataError:
    """An error in a file, with a remedy in the file where the reader's own is a setting: those of a trained model stay.

    Args:
        error: what the task's reader said, or the recognition of tag schemes.
    """
    what, _, remedy = str(error).partition("; ")
    if "the reader's" not in remedy:
        return error
    return DataError(f"{what}; mend the file, since the settings of a trained model's reader stay as they are")
