"""The one place where files are opened for writing: no link is followed, and no file of others is written to.

Whoever prepares a folder can put a link to `~/.bashrc` where mtlkit will write. `tests/test_writing.py` makes sure that
no other module opens a file for writing in a way of its own.
"""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Literal, cast

PRIVATE, PUBLIC = 0o600, 0o644
"""The modes of new files, from which the umask takes more away: of what nobody else may read, and of the rest."""
FOLDER = 0o755
"""The mode of new folders, in the same way."""
MODES = {"new": "wb", "append": "ab", "change": "rb+"}
FLAGS = {
    "new": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    "append": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "change": os.O_RDWR,
}
NEVER = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""No link is followed, and no pipe is waited for."""


def open_to_write(path: Path, how: Literal["new", "append", "change"] = "new", mode: int = PUBLIC) -> BinaryIO:
    """Opens a regular file for writing. Symbolic links in place of the file are not followed.

    Args:
        path: the file.
        how: `new` creates a file that is not there yet, `append` writes to the end of one that may be there, and
            `change` reads and writes one that is there. Nothing is emptied.
        mode: the permissions of a new file; the umask may take some away.

    Raises:
        FileExistsError: the file is to be new, and there is one.
        OSError: it cannot be opened; or it is a symbolic link, not a regular file, a file with several names (hard
            links), since whatever is written would change the others, or a file of another user.
    """

    def opener(name: str, _: int) -> int:
        descriptor = os.open(name, FLAGS[how] | NEVER, mode)
        if how != "new":  # what is new is ours alone
            try:
                _check(path, os.fstat(descriptor))
            except OSError:
                os.close(descriptor)
                raise
        return descriptor

    try:
        return cast(BinaryIO, open(path, MODES[how], opener=opener))
    except OSError as error:
        if how != "new" and path.is_symlink():
            raise _refused(path, "is a symbolic link") from None
        if error.errno == errno.ENXIO:  # of a pipe that nobody reads
            raise _refused(path, "is not a regular file") from None
        raise


def _check(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise _refused(path, "is not a regular file")
    if facts.st_nlink > 1:
        raise _refused(path, "is a hard link, so that another file would change as well")
    if sys.platform != "win32" and os.geteuid() not in (0, facts.st_uid):
        raise _refused(path, "belongs to another user")


def _refused(path: Path, why: str) -> OSError:
    return OSError(errno.EPERM, why, str(path))


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, unless it is there. A symbolic link in its place is not followed.

    Nobody else can write to what is made, even where the umask lets everybody.

    Raises:
        OSError: it cannot be made, or is a symbolic link.
    """
    for missing in [each for each in path.parents if not os.path.lexists(each)][::-1]:
        missing.mkdir(FOLDER, exist_ok=True)  # with `parents=True`, they would have the umask's mode
    path.mkdir(FOLDER, exist_ok=True)
    if path.is_symlink():
        raise _refused(path, "is a symbolic link")
