"""What can be said of an archive's file before it is opened, and before anything large is imported for that."""

import gzip
import zlib
from pathlib import Path

from mtlkit.config import near_file
from mtlkit.errors import ArchiveError
from mtlkit.on_disk.runs import ARCHIVE, META
from mtlkit.text import printable


def check_archive(path: Path) -> None:
    """Makes sure that a path is that of a gzip file, or of a directory of a run. Whether it is an archive is only known
    once it is opened.

    Raises:
        ArchiveError: it is not.
    """
    if not path.is_dir():
        check_is_file(path)
        _check_is_gzip(path)
    elif (path / ARCHIVE).exists():
        check_is_file(path / ARCHIVE)
        _check_is_gzip(path / ARCHIVE)
    elif not (path / META).exists():
        raise no_archive_in(path)


def check_archive_unless_folder(path: Path) -> None:
    """Checks a path by `check_archive` unless it is a directory, for verbs that take directories without one."""
    if not path.is_dir():
        check_archive(path)


def no_archive_in(path: Path) -> ArchiveError:
    """The error for a directory that is not that of a run."""
    return ArchiveError(f"{path}: has no {ARCHIVE}; give the directory of a finished run, or an archive")


def check_is_file(path: Path) -> None:
    """Makes sure that an archive exists and is a file.

    Raises:
        ArchiveError: it does not, or is a directory or a device.
    """
    if path.is_file():
        return
    if path.is_dir():
        inside = path / ARCHIVE
        raise ArchiveError(f"{path}: is a directory; name {inside if inside.is_file() else f'an {ARCHIVE}'}")
    if path.exists():
        raise ArchiveError(f"{path}: is not a file but a device or the like; name an {ARCHIVE}")
    raise ArchiveError(f"{path}: no such file; {_where_it_may_be(path)}")


def no_tar_gz(path: Path, error: Exception) -> ArchiveError:
    """The error for a file that is not a gzip or tar file, or is truncated, after what was raised by reading it."""
    reason = printable(str(error) or type(error).__name__)
    remedy = f"copy or make it again, or give the {ARCHIVE} of a run if this is something else"
    return ArchiveError(f"{path}: not a whole .tar.gz file ({reason}); {remedy}")


def unreadable(path: Path, error: OSError) -> ArchiveError:
    """The error for a file that cannot be opened."""
    return ArchiveError(f"{path}: cannot be read ({error.strerror}); give a file that you may read")


def _check_is_gzip(path: Path) -> None:
    try:
        file = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from None
    with file:
        try:
            gzip.GzipFile(fileobj=file).read(1)
        except (OSError, EOFError, zlib.error) as error:
            raise no_tar_gz(path, error) from None


def _where_it_may_be(path: Path) -> str:
    """What to do about an archive that does not exist."""
    if near := near_file(path, lambda other: other.name.endswith(".tar.gz") or (other / ARCHIVE).is_file()):
        return near.removeprefix("; ")
    if any((path.parent / name).exists() for name in ("checkpoints", "stages")):
        return "its run is not finished: go on with it by mtlkit train ... --resume"
    return "check the path"
