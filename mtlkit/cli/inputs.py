"""What `predict` reads: lines of text or of JSON, with their places."""

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from mtlkit.errors import DataError

if TYPE_CHECKING:
    from mtlkit.runs.predict import Input


def read_inputs(source: str, jsonl: bool) -> "Iterator[Input]":
    """Each line of a file or of standard input (`-`), as it comes; lines end at LF only.

    Raises:
        DataError: the file is missing or unreadable.
    """
    name = "standard input" if source == "-" else source
    as_json = jsonl or source.endswith(".jsonl")
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as stream:
            for number, line in enumerate(stream, 1):
                yield _parse(line.rstrip(b"\r\n"), as_json), f"{name}:{number}"
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}); check the path") from None


def _parse(line: bytes, as_json: bool) -> "str | dict[str, object] | DataError":
    try:
        text = line.decode("utf-8")
        if not as_json:
            return text
        value = json.loads(text)
    except UnicodeDecodeError:
        return DataError("not UTF-8; convert the input to UTF-8")
    except ValueError as error:
        return DataError(f"not valid JSON ({error})")
    return value if isinstance(value, dict) else DataError('not a JSON object; write {"text": ...}')
