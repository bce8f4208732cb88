"""Links in the directory of a run, which may come from a stranger: none of them is followed out of it.

mtlkit makes no links in there. One that leads out of the directory could lead to any file of the user's, whose content
would then stand in a report, in a table or in a vocabulary.
"""

import os
from pathlib import Path

from mtlkit.errors import RunError

PUT = "put what it leads to in its place"
NOT_FOLLOWED = f"is a link that leads out of the run, which may come from a stranger; {PUT}"
CHECKPOINTS = "checkpoints"
"""Folders that may lie elsewhere: what is in them are numbers, of which nothing is shown."""


def leads_out(place: Path, folder: Path) -> bool:
    """Returns whether a file or folder, as the system finds it, lies outside a folder that should contain it."""
    return not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder))


def check_document(file: Path) -> None:
    """Makes sure that a file is in the folder that it should be in, and no link that leads out of it.

    Raises:
        RunError: it is such a link.
    """
    if file.is_symlink() and leads_out(file, file.parent):
        raise RunError(f"{file}: {NOT_FOLLOWED}")


def check_links(run: Path, folder: Path | None = None) -> None:
    """Makes sure that nothing in the directory of a run leads out of it, but for checkpoints.

    Args:
        run: the directory, which may be a link itself.
        folder: a folder in it, to look at that alone; None for all.

    Raises:
        RunError: something does.
    """
    start = run if folder is None else folder
    if folder is not None and leads_out(folder, run):
        raise RunError(f"{folder}: {NOT_FOLLOWED}")
    for where, folders, files in os.walk(start):
        if CHECKPOINTS in folders:
            folders.remove(CHECKPOINTS)
        for name in (*folders, *files):
            place = Path(where, name)
            if place.is_symlink() and leads_out(place, run):
                raise RunError(f"{place}: {NOT_FOLLOWED}")
