"""The place of a run's directory among other folders: who holds it, and whether a new run may take it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EBUSY, EXDEV
from pathlib import Path

from mtlkit.errors import RunError, RunInUseError
from mtlkit.files import Inputs, make_folder, open_lock, remove_lock, take_lock
from mtlkit.runs.made_files import links, remove_abandoned, strangers

ELSEWHERE = "give another directory with -s"


def lock_of(place: Path) -> Path:
    """The lock of a run's directory, whose real path is `place`.

    It lies beside the directory, not in it: it is taken before the directory exists, and must outlast its replacement.
    """
    return place.parent / f".{place.name}.lock"


@contextmanager
def locked_place(place: Path, given: Path) -> Iterator[None]:
    """Locks a directory against training by other processes while the block runs.

    Args:
        place: the directory's real path.
        given: its path as the user gives it, for messages.

    Raises:
        RunInUseError: another process is training in the directory.
        RunError: the directory cannot be made.
    """
    if not place.name:
        raise RunError(f"{given}: is the root of all folders; {ELSEWHERE}")
    if place.is_symlink():  # still, after all links have been followed
        raise RunError(f"{given}: is a symbolic link that leads to itself; {ELSEWHERE}")
    path = lock_of(place)
    is_first = not path.parent.exists()
    try:
        make_folder(path.parent)
        lock = open_lock(path)
    except OSError as error:
        raise RunError(f"{given}: cannot be made ({error.strerror}); {ELSEWHERE}") from None
    with lock:
        if not take_lock(lock):
            raise RunInUseError(f"{given}: another process is training here; wait for it, or use -s DIR")
        # The holder may have removed the file between our opening and locking it. We would then hold a lock that has no
        # name any more, while a third process takes a new file of that name.
        if not os.fstat(lock.fileno()).st_nlink:
            raise RunInUseError(f"{given}: another process has just ended here; try again")
        try:
            with suppress(OSError):  # what is left of others is in nobody's way
                remove_abandoned(place)
            yield
        finally:
            remove_lock(lock, path)
            if is_first:
                with suppress(OSError):  # it is not empty, as usual: only an empty folder of ours is removed
                    path.parent.rmdir()


def check_replaceable(place: Path, given: Path) -> None:
    """Makes sure that another folder can take the place of a directory, as that of a new run does.

    Args:
        place: the directory's real path, which need not exist.
        given: its path as the user gives it, for messages.

    Raises:
        RunError: the current folder is in it, or it is a mount point.
    """
    if _holds_current_folder(place):
        what = "is the current folder, or one above it"
    elif os.path.ismount(place):
        what = "is a mount point"
    else:
        return
    raise RunError(f"{given}: {what}, which a run cannot replace; {_inside(given)}")


def _holds_current_folder(place: Path) -> bool:
    try:
        return Path.cwd().is_relative_to(place)
    except OSError:  # it has been deleted
        return False


def other_place(error: OSError, given: Path) -> str:
    """What to do where a directory could not be written: a mount point may look like any other folder."""
    return _inside(given) if error.errno in (EBUSY, EXDEV) else ELSEWHERE


def _inside(given: Path) -> str:
    return f"give a folder in it, such as -s {given / 'run'}"


def check_deletable(place: Path, given: Path, reads: Inputs | None = None) -> None:
    """Makes sure that the run in a directory may be replaced by another one.

    Args:
        place: the directory's real path.
        given: its path as the user gives it, for messages.
        reads: the files that the new run is made from.

    Raises:
        RunError: the directory holds what mtlkit did not make or what the new run is made from, or it cannot be
            replaced.
    """
    check_replaceable(place, given)
    if (stranger := next(strangers(place), None)) is not None:
        what = f"--force would delete {stranger.relative_to(place)}, which mtlkit did not make"
        raise RunError(f"{given}: {what}; move it elsewhere, or {ELSEWHERE}")
    for name, file in (reads or {}).items():
        if place in Path(os.path.realpath(file)).parents:
            what = f"--force would delete {file}, which is read as {name}"
            raise RunError(f"{given}: {what}; give a copy of it that lies elsewhere, or {ELSEWHERE}")


def check_own(place: Path, appended: Sequence[Path]) -> None:
    """Makes sure that what a resumed run writes changes no file outside of its directory.

    Args:
        place: the directory's real path.
        appended: the files that grow.

    Raises:
        RunError: something in the directory is a link.
    """
    if link := next(links(place), None):
        raise RunError(f"{link}: is a symbolic link, and a run writes through none; put what it leads to in its place")
    for file in appended:
        if file.exists() and file.stat().st_nlink > 1:
            what = "is a hard link, so that another file would grow as well"
            raise RunError(f"{file}: {what}; go on with a copy of the directory, as cp -r makes it")
