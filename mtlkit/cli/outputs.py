"""Where `evaluate`, `predict` and `report` write: what can be written, as is known before the work is done."""

import io
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from mtlkit.errors import ConfigError


def writable_file(path: Path) -> Path:
    """The path of a file that can be written whole or not at all, with links followed: they stay what they are.

    Raises:
        ConfigError: nothing can be written there.
    """
    file = path.resolve()
    if not file.parent.is_dir():
        raise ConfigError(f"--output {path}: there is no folder {file.parent}; make it first")
    if (file.exists() and not file.is_file()) or not os.access(file.parent, os.W_OK):
        raise ConfigError(f"--output {path}: cannot be written; give a file in a folder of yours")
    return file


def check_folder(path: Path, option: str) -> None:
    """Makes sure that files can be written into a folder, which need not be there yet; makes none.

    Raises:
        ConfigError: it cannot be made, or is a file, or is not ours.
    """
    folder = path.resolve()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ConfigError(f"{option} {path}: cannot be written; give a folder of yours")


def open_output(path: Path | None) -> AbstractContextManager[TextIO | None]:
    """The file at `path`, emptied, or standard output, for JSON: UTF-8, whatever the terminal's encoding.

    What UTF-8 cannot say are surrogates, and Python's replacement of one is its escape in JSON.

    Raises:
        ConfigError: the file cannot be written.
    """
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        return nullcontext(sys.stdout)
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"--output {path}: cannot be written ({error.strerror}); give another file") from None
