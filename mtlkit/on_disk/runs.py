"""What can be said of the directory of a run before it is read, and before anything large is imported for that."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from mtlkit.config import near_file
from mtlkit.errors import RunError
from mtlkit.files import read_bounded

KIND = "mtlkit run"
"""What `meta.json` says the directory is."""
ARCHIVE, META, REPORT = "archive.tar.gz", "meta.json", "report.html"
"""The names of some files in the directory of a run."""
LARGEST_DOCUMENT = 16 * 2**20
"""The maximum number of bytes of a JSON document of a run."""
RUNS = "runs"
"""The folder in which runs are placed if no directory is given."""
TWO_WISHES = "resume goes on with a run and force deletes it; give one of them"
"""What is said of who asks for both."""
REMEDY = "give a run's directory, or a file that docs/results/collect.py made of one"


def name_of_experiment(sources: Iterable[str]) -> str:
    """Returns an experiment's name, `fdu-ic` for `fdu/ic.jsonnet`, given the names of its files, its own first."""
    return "-".join(Path(next(iter(sources))).with_suffix("").parts)


def is_empty_place(path: Path) -> bool:
    """Whether nothing is in the way of a new run: there is no such directory yet, or it is empty."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def check_begun(path: Path) -> None:
    """Makes sure that there is something in the directory of a run that is to be resumed. Whether it is a run that can
    be resumed is only known once it is read.

    Raises:
        RunError: there is nothing.
    """
    if is_empty_place(path):
        raise RunError(f"{path}: holds no run to resume; leave --resume out to start one")


def check_are_there(paths: Sequence[Path]) -> None:
    """Makes sure that runs that are to be compared exist. Whether they are runs is only known once they are read.

    Raises:
        RunError: one does not.
    """
    for path in paths:
        with suppress(PermissionError, ValueError):  # told when it is read
            if not path.exists():
                raise RunError(f"{path}: {not_there(path)}; {REMEDY}")


def not_there(path: Path) -> str:
    """Returns what is said of the directory of a run that does not exist, with one that may be meant."""
    near = near_file(path, _looks_like_a_run).removeprefix("; ")
    return f"is not there{f' ({near})' if near else ''}"


def _looks_like_a_run(path: Path) -> bool:
    meta = path / META
    try:
        content = None if meta.is_symlink() else json.loads(read_bounded(meta, LARGEST_DOCUMENT))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("kind") == KIND
