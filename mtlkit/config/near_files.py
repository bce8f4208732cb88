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
    same_stem = [each for each in names if not rest and Path(each).stem == name]
    for each in (*same_stem, *([] if path.exists() else _similar(name, names))):
        found = folder.joinpath(each, *rest)
        if fits(found):
            return f"; did you mean '{on_one_line(str(found))}'?"
    return ""


def _similar(name: str, names: list[str]) -> list[str]:
    """The names that are spelt much like the given one, the most similar first. An ending that two names share does not
    make them similar.
    """
    ending = "".join(Path(name).suffixes)
    bare = {each.removesuffix(ending): each for each in names if each.endswith(ending)}
    others = [each for each in names if not each.endswith(ending)]
    found = get_close_matches(name.removesuffix(ending), list(bare), n=3)
    return [*(bare[each] for each in found), *get_close_matches(name, others, n=3)]


def _first_missing(path: Path) -> tuple[Path, str, tuple[str, ...]]:
    """The longest part of a path that exists, or its parent if all of it exists; the next name; and what follows."""
    parents = [path, *path.parents]
    for number, parent in enumerate(parents[1:], 1):
        if parent.is_dir():
            missing = parents[number - 1]
            return parent, missing.name, path.relative_to(missing).parts
    return path, "", ()
