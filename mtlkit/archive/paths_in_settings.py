"""Paths among the settings of an archive's components, which would be opened where a component is built."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mtlkit.archive.made_here import recalled
from mtlkit.config import Lazy, parts_by_place
from mtlkit.config.lazy import items_of
from mtlkit.errors import ArchiveError
from mtlkit.experiment import Experiment
from mtlkit.text import printable


def check_paths(path: Path, experiment: Experiment, digest: str) -> None:
    """Makes sure that no component of an archive from elsewhere is given a file of this machine to read.

    Components that save files are built with the files in the archive.

    Args:
        path: the archive.
        experiment: its experiment.
        digest: what it is known by (see `manifest_digest`).

    Raises:
        ArchiveError: one is, and this user has not made the archive here.
        DataError: somebody else can change what the cache says about it.
    """
    for place, part in parts_by_place(experiment):
        if not part.component.saves_files:
            for name, file in _paths(part.settings, place):
                if recalled(digest) is None:
                    raise ArchiveError(
                        f"{path}: {name} names a file of this machine, {printable(str(file))}, and the cache does not "
                        "know the archive as one that was made here; not opened, ask its author for one whose "
                        "component saves the file in it"
                    )


def _paths(value: Any, place: str) -> Iterator[tuple[str, Path]]:
    """Yields the paths in settings, at any depth but that of other parts, each with its place."""
    for key, item in items_of(value):
        if isinstance(item, Path):
            yield f"{place}.{key}", item
        elif not isinstance(item, Lazy):
            yield from _paths(item, f"{place}.{key}")
