"""Names of files that are near to one that does not exist, for messages."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from mtlkit.text import on_one_line


def near_file(path: Path, fits: Callable[[Path], bool]) -> str:
    """Returns `"; did you mean 'x'?"` for the file or folder that a path seems to be meant for, or an empty string.

    Considered are paths that differ from the given one in a single part: in a name that is spelt almost alike, or in
    the ending (`my` for `my.jsonnet`).

    Args:
        path: a path at which there is not what was looked for.
        fits: whether a path is one that the user could have meant.
    """
    folder, name, rest = _first_missing(path)
    if not name:
        return ""
    try:
        names = sorted(each.name for each in folder.iterdir() if each.name != name)
    except OSError:
        return ""
    same_stem = [each for each in names if Path(each).stem == (name if not rest else "")]
    for each in (*same_stem, *get_close_matches(name, names, n=3)):
        found = folder.joinpath(each, *rest)
        if fits(found):
            return f"; did you mean '{on_one_line(str(found))}'?"
    return ""


def _first_missing(path: Path) -> tuple[Path, str, tuple[str, ...]]:
    """The longest part of a path that exists, or its parent if all of it exists; the next name; and what follows."""
    parents = [path, *path.parents]
    for number, parent in enumerate(parents[1:], 1):
        if parent.is_dir():
            missing = parents[number - 1]
            return parent, missing.name, path.relative_to(missing).parts
    return path, "", ()
