"""Which files of data an archive may make us read.

An archive may come from a stranger, and names files. Its author could name any file of the user's, whose words or
labels would then stand in a report or on the screen, and any device. So a file is read where the user names it, or the
folder that it is in; where only the archive does, the user must have made the archive here, from that file.
"""

from collections.abc import Sequence
from pathlib import Path

from mtlkit.archive import Archive
from mtlkit.data import PlantedReader, VaderReader
from mtlkit.errors import DataError
from mtlkit.experiment import SPLITS, TaskSettings
from mtlkit.files import is_file
from mtlkit.text import printable

PARENT = ".."
DEEPEST = 256
"""The maximum number of parts of an archive's path that are looked for in a folder: one of a megabyte has half a
million, and would take hours.
"""


class UnnamedDataError(DataError):
    """Data that nobody but an archive names are not read."""


def is_name(settings: TaskSettings, source: str) -> bool:
    """Whether a source is a name that a reader of mtlkit knows, and not a path: it leads to no file that the author of
    an archive could choose.
    """
    reader = settings.reader.component
    return reader is PlantedReader or (reader is VaderReader and source in SPLITS)


def check_made_here(archive: Archive, name: str, settings: TaskSettings, split: str) -> None:
    """Refuses to read a file that only an archive from elsewhere names, and does not say whether it exists.

    Args:
        archive: the trained model.
        name: the task.
        settings: the task's settings.
        split: the split whose source is to be read.

    Raises:
        UnnamedDataError: it is not to be read.
    """
    source = getattr(settings, split)
    if archive.data_of_training is None and not is_name(settings, source):
        raise UnnamedDataError(
            f"{archive.path}: tasks.{name}.{split}: {printable(source)} is not read, since the cache does not know "
            f"the archive as one that was made here; say where the data are with {_options(name, settings, split)}"
        )


def check_same_files(archive: Archive, name: str, settings: TaskSettings, split: str, files: Sequence[Path]) -> None:
    """Refuses a file that has only its name in common with one that the archive was trained on.

    Args:
        archive: the trained model, which `check_made_here` has accepted.
        name: the task.
        settings: the task's settings.
        split: the split whose source is to be read.
        files: the files of the source, which exist.

    Raises:
        UnnamedDataError: one is not to be read.
    """
    known = archive.data_of_training
    if known is None:
        return  # the source is a name
    if other := next((file for file in files if not known.has(file)), None):
        raise UnnamedDataError(
            f"{archive.path}: tasks.{name}.{split}: {printable(str(other))} is another file, in another place, than "
            f"the archive was trained on; if it is to be read, say so with {_options(name, settings, split)}"
        )


def _options(name: str, settings: TaskSettings, split: str) -> str:
    """The options that name the data of a split. One file cannot take the place of several from which it is drawn."""
    return printable("--data FOLDER" if split in settings.drawn else f"--data {name}=FILE or --data FOLDER")


def relocated(source: str, folders: Sequence[Path], place: str, *, is_drawn: bool = False) -> str:
    """The path of a data file in the first folder that contains it, by the longest part of its path that exists there.

    Whatever the experiment says, the file is in the folder, which is all that the user has named.

    Args:
        source: the path of the file in the experiment, which may come from a stranger.
        folders: the folders to search.
        place: the place of the setting in the experiment, for messages.
        is_drawn: whether the split is drawn from several files, in whose place no single one can be given.

    Raises:
        DataError: the file is in none of the folders, or is a link that leads out of the one that it is in.
    """
    path = Path(source)
    parts = [part for part in path.parts if part != path.anchor]
    if PARENT in parts:  # what comes before it does not lead to the file
        parts = parts[len(parts) - parts[::-1].index(PARENT) :]
    parts = parts[-DEEPEST:]
    for folder in folders:
        for start in range(len(parts)):
            if is_file(file := folder.joinpath(*parts[start:])):
                if not file.resolve().is_relative_to(folder.resolve()):
                    remedy = "name its folder with --data FOLDER" if is_drawn else "name that with --data TASK=FILE"
                    raise DataError(
                        f"{place}: {printable(str(file))} is a link that leads out of {folder}; if the file it leads "
                        f"to is to be read, {remedy}"
                    )
                return str(file)
    where = " or ".join(map(str, folders))
    missing = printable(parts[-1] if parts else source)
    option = "--data FOLDER" if is_drawn else "--data TASK=FILE"
    raise DataError(f"{place}: no {missing} in {where}; say where it is with {option}")
