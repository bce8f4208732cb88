"""Older outputs of verbs, recognised by what is in them. A verb replaces such a file of its own, and no other file."""

import gzip
import json
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from mtlkit.figures import NOTES

IsOlder = Callable[[BinaryIO], bool]
"""Whether an open file is an older output of a verb. May read as much of it as it needs."""
HEAD = 4_096
LARGEST = 16 * 2**20
"""The number of bytes from which on a file of figures is not ours: they are some for each task."""
LONGEST_LINE = 2**20


def is_records(file: BinaryIO) -> bool:
    """Whether a file has the records of `predict`, or of `explain --format json`."""
    return re.match(rb'\{"task": "(?:[^"\\]|\\.)*", "number": \d+[,}]', file.read(HEAD)) is not None


def is_explanations(file: BinaryIO) -> bool:
    """Whether a file has the explanations of `explain`, as records or as tables, each below its task and answer."""
    if is_records(file):
        return True
    file.seek(0)
    return re.match(r"[^\n]*: [^\n]*\n┏━", head_of(file)) is not None


def is_figures(file: BinaryIO) -> bool:
    """Whether a file has the figures of `evaluate`, of one archive or of several by name."""
    try:
        value = json.loads(file.read(LARGEST))
    except (ValueError, RecursionError):
        return False
    by_name = value.values() if isinstance(value, dict) else ()
    return _has_figures(value) or (bool(by_name) and all(map(_has_figures, by_name)))


def is_answers(file: BinaryIO) -> bool:
    """Whether a file has the answers of `evaluate --predictions` to the texts of a task."""
    try:
        with gzip.GzipFile(fileobj=file) as lines:
            first = json.loads(lines.readline(LONGEST_LINE))
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and {"task", "split", "texts", "metrics"} <= first.keys()


def is_program(file: BinaryIO) -> bool:
    """Whether a file is a program of `export`."""
    try:
        with zipfile.ZipFile(file) as members:
            return any(name.endswith("/extra/mtlkit.json") for name in members.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def head_of(file: BinaryIO) -> str:
    """The beginning of a text file."""
    return file.read(HEAD).decode("utf-8", errors="replace")


def _has_figures(value: Any) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    figures = [(name, figure) for name, figure in value.items() if name != NOTES]
    return all("/" in name and isinstance(figure, int | float | None) for name, figure in figures)
