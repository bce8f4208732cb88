"""Which files in the directory of a run are mtlkit's: only these are deleted, and nothing else is written to.

What else lies there, such as notes, a `.git` or the outputs of other programs, belongs to somebody. A symbolic link is
never ours, whatever its name: whoever prepared the directory may have put one in place of a file.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from mtlkit.files import LONGEST_STEM, SUFFIX, is_locked

STAGE = r"(?:stages/[^/]+/)?"
FOLDERS = re.compile(
    r"sources(?:/.+)?|vocabulary|files(?:/[^/]+=[^/]+)?|predictions(?:/[^/]+)?|stages(?:/[^/]+)?"
    rf"|{STAGE}(?:tensorboard|checkpoints(?:/step-\d{{8,}})?)"
)
"""The paths of folders in the directory of a run."""
FILES = re.compile(
    r"meta\.json|metrics\.jsonl?|sharing\.jsonl|experiment(?:\.[^/]+)?|archive\.tar\.gz|report\.html"
    r"|(?:profile|trace)(?:-[^/]+)?\.json|sources/.+|vocabulary/(?:words\.txt|characters\.txt|labels\.[^/]+|[^/]+\.json)"
    r"|files/[^/]+=[^/]+/[^/]+|predictions/[^/]+/[^/]+\.jsonl\.gz"
    rf"|{STAGE}(?:paths\.json|tensorboard/events\.out\.tfevents\.[^/]+)"
    rf"|{STAGE}checkpoints/(?:outcome\.json|best-[^/]+|step-\d{{8,}}/(?:state\.pt|files\.json|[^/]+\.safetensors))"
)
"""The paths of files in the directory of a run."""
HALF_WRITTEN = re.compile(rf"\.(.+){SUFFIX}")
"""The name of a temporary file, with that of what it was to become."""
OF_SAFETENSORS = re.compile(rf"{STAGE}checkpoints/\.tmp[A-Za-z0-9]{{6}}")
"""The paths of temporary files of the library safetensors, as earlier versions left them."""
HALF_WRITTEN_FOLDERS = re.compile(
    rf"(?:\.predictions|\.trace[^/]*|files/\.(?:tasks|model|stages)\.[^/]+"
    rf"|{STAGE}checkpoints/\.(?:step-\d+|best-[^/]*)){SUFFIX}"
)
"""The paths of temporary folders in the directory of a run."""


def is_made_by_a_run(path: str) -> bool:
    """Whether a path, relative to the directory of a run, is that of a file or folder that mtlkit makes there."""
    return bool(FILES.fullmatch(path) or FOLDERS.fullmatch(path))


def links(directory: Path) -> Iterator[Path]:
    """Yields the symbolic links in the directory of a run that have the names of what mtlkit makes."""
    for path, place, _ in _walk(directory):
        if path.is_symlink() and is_made_by_a_run(place):
            yield path


def strangers(directory: Path) -> Iterator[Path]:
    """Yields what lies in the directory of a run and was not made by mtlkit. Of a folder, nothing in it is named."""
    for path, place, is_folder in _walk(directory):
        if half_written(path, place):
            continue
        known = FOLDERS if is_folder else FILES
        if path.is_symlink() or not known.fullmatch(place) or (is_folder and os.path.ismount(path)):
            yield path


def half_written(path: Path, place: str) -> bool:
    """Whether a path is that of a temporary file or folder of mtlkit.

    Args:
        path: the path.
        place: the same, relative to the directory of a run.
    """
    if path.is_symlink():
        return False
    if path.is_dir():
        return HALF_WRITTEN_FOLDERS.fullmatch(place) is not None
    if not path.is_file():
        return False
    if OF_SAFETENSORS.fullmatch(place):
        return True
    found = HALF_WRITTEN.fullmatch(path.name)
    return found is not None and FILES.fullmatch(place[: -len(path.name)] + found[1]) is not None


def remove_half_written(directory: Path) -> None:
    """Removes what killed processes have left half-written in the directory of a run. What a living process is writing
    there, such as a report, stays.
    """
    for path, place, is_folder in list(_walk(directory)):
        if half_written(path, place) and not is_locked(path):
            shutil.rmtree(path) if is_folder else path.unlink()


def remove_abandoned(directory: Path) -> None:
    """Removes the temporary folders beside the directory of a run that killed processes have left as they made it."""
    if not directory.parent.is_dir():
        return
    beginning = re.compile(rf"\.{re.escape(directory.name[:LONGEST_STEM])}{SUFFIX}")
    with os.scandir(directory.parent) as entries:
        found = [Path(entry.path) for entry in entries if beginning.fullmatch(entry.name)]
    for path in found:
        if path.is_dir() and not path.is_symlink() and not is_locked(path) and _holds_parts_of_a_run(path):
            shutil.rmtree(path)


def _holds_parts_of_a_run(folder: Path) -> bool:
    """Whether nothing is in a temporary folder but a run that was to appear, and one that was to be replaced."""
    parts = list(folder.iterdir())
    return all(
        each.name in ("fresh", "replaced")
        and each.is_dir()
        and not each.is_symlink()
        and next(strangers(each), None) is None
        for each in parts
    )


def _walk(directory: Path, within: str = "") -> Iterator[tuple[Path, str, bool]]:
    """Yields each path in a folder, its place in the directory of the run, and whether it is a folder. Looks only into
    folders of mtlkit, and follows no link.
    """
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        place, is_folder = within + entry.name, entry.is_dir(follow_symlinks=False)
        yield Path(entry.path), place, is_folder
        if is_folder and FOLDERS.fullmatch(place):
            yield from _walk(Path(entry.path), f"{place}/")
