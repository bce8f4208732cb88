"""Folders and files that nobody but the user can change: the cache, and temporary folders.

What is read back from them is trusted: a compiled library is run, and a corpus is trained on. A digest that lies beside
a file proves nothing, since whoever can replace the one can replace the other. So owners and modes decide: those of the
file, of its folder, and of the folders on the way to it.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ELOOP
from pathlib import Path

from mtlkit.errors import DataError

if sys.platform != "win32":
    import grp
    import pwd

OWN_FOLDER, OWN_FILE = 0o700, 0o600
"""The modes of what is made in the cache: nobody else can read or change it."""
CACHE = "set MTLKIT_CACHE to a folder of your own"
TEMPORARY = "set TMPDIR to a folder of your own"
MOST_LINKS = 40  # as in Linux
DESCRIPTORS = Path("/proc/self/fd")


def own_folder(path: Path, *, closed: bool = False) -> Path:
    """Returns a folder of the cache after making sure that only this user can change it. Missing folders are created,
    with mode 0700. On Windows nothing is checked.

    Folders above it may belong to others, but must not be writable by others, except sticky ones such as /tmp: nobody
    who owns one of them can put a folder of this user in its place.

    Args:
        path: the folder.
        closed: whether an existing folder is also made unreadable for others.

    Raises:
        DataError: another user than root owns the folder or can write to it, or can replace it.
        OSError: it cannot be created.
    """
    for missing in [each for each in (path, *path.parents) if not os.path.lexists(each)][::-1]:
        missing.mkdir(OWN_FOLDER, exist_ok=True)
    with opened_folder(path):
        if closed and sys.platform != "win32" and path.stat().st_mode & 0o077:
            with suppress(OSError):  # of a file system that is read-only
                path.chmod(OWN_FOLDER)
    return path


@contextmanager
def opened_folder(path: Path) -> Iterator[Path]:
    """Yields a path to a folder that only this user can change. On Linux, it leads to the very folder that was checked,
    even if another one takes its place meanwhile.

    Raises:
        DataError: another user than root owns the folder or can write to it, or can replace it.
        OSError: there is no such folder, or it cannot be read.
    """
    if sys.platform == "win32":
        yield path
        return
    _check_way(path.absolute(), CACHE)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if (fault := _fault_of(os.fstat(descriptor))) is not None:
            raise DataError(f"{path}: {fault}")
        yield DESCRIPTORS / str(descriptor) if DESCRIPTORS.is_dir() else path
    finally:
        os.close(descriptor)


def check_ownership(*paths: Path) -> None:
    """Makes sure that only this user can change these files in a folder of `opened_folder`. On Windows nothing is
    checked.

    Raises:
        DataError: another user than root owns one or can write to it, or one is not a regular file.
        OSError: one is missing.
    """
    if sys.platform != "win32":
        for path in paths:
            if (fault := _fault_of(path.lstat())) is not None:
                raise DataError(f"{path.parent.resolve() / path.name}: {fault}")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yields a new temporary folder that only this user can read or change, and deletes it afterwards.

    Raises:
        DataError: others can write to the folder of temporary files, which is not sticky, so that they could put
            another folder in place of the new one.
    """
    with tempfile.TemporaryDirectory(prefix="mtlkit-", dir=folder_of_temporary_files()) as folder:
        yield Path(folder)


def folder_of_temporary_files() -> Path:
    """Returns the folder in which temporary folders are made, after making sure that nobody else can replace what is
    made in it.

    Raises:
        DataError: others can.
    """
    folder = Path(tempfile.gettempdir()).absolute()
    if sys.platform != "win32":
        _check_way(folder / "any", TEMPORARY)
    return folder


if sys.platform != "win32":

    def _check_way(path: Path, remedy: str) -> None:
        """Raises DataError if others can replace the folder at an absolute path, or lead to another one."""
        for place in _places(path):
            try:
                facts = place.lstat()
            except FileNotFoundError:
                return
            if stat.S_ISLNK(facts.st_mode):
                if not _is_trusted(facts):
                    raise DataError(f"{place}: is a link that belongs to another user; {remedy}")
            elif place != path and _can_be_replaced_in(facts):
                raise DataError(f"{place}: other users can replace the folders in it; {remedy}, below no such folder")

    def _places(path: Path) -> Iterator[Path]:
        """Yields each folder and symbolic link that the system passes through on its way to a path, and its end."""
        here, ahead, links = Path(path.anchor), list(path.parts[:0:-1]), 0
        yield here
        while ahead:
            part = ahead.pop()
            here = here.parent if part == ".." else here / part
            yield here
            if here.is_symlink():
                links += 1
                if links > MOST_LINKS:
                    raise OSError(ELOOP, os.strerror(ELOOP), str(path))
                target = here.readlink()
                here = Path(target.anchor) if target.is_absolute() else here.parent
                ahead += [part for part in target.parts if part != target.anchor][::-1]

    def _is_trusted(facts: os.stat_result) -> bool:
        """Returns whether a file belongs to this user or to root, who can do everything anyway."""
        return facts.st_uid in (0, os.geteuid())

    def _can_be_replaced_in(facts: os.stat_result) -> bool:
        """Returns whether others can rename what this user has in a folder."""
        if facts.st_mode & stat.S_ISVTX:
            return False
        if facts.st_mode & stat.S_IWOTH:
            return True
        return bool(facts.st_mode & stat.S_IWGRP) and not _is_own_group(facts.st_gid)

    def _is_own_group(group: int) -> bool:
        """Returns whether a group has this user as its only member. Many systems give each user such a group, and let
        it write to every folder.
        """
        try:
            name, found = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group)
        except KeyError:
            return False
        return found.gr_name == name and {*found.gr_mem} <= {name}

    def _fault_of(facts: os.stat_result) -> str | None:
        """Returns what is wrong with a folder or file of the cache, with the remedy, unless this user, and nobody else,
        can change it.
        """
        is_folder = stat.S_ISDIR(facts.st_mode)
        if not is_folder and not stat.S_ISREG(facts.st_mode):
            return "is not a regular file; remove it, and it is made again"
        if not _is_trusted(facts):
            return f"belongs to another user; {CACHE}"
        if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            what = "what is in it may be theirs" if is_folder else "it may be theirs"
            return f"other users can write to it, and {what}; remove it, or {CACHE}"
        return None
