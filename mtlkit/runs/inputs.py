"""What `predict` reads: lines of text or of JSON, with their places."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mtlkit.errors import DataError

if TYPE_CHECKING:
    from mtlkit.runs.predict import Input

STANDARD_INPUT = "-"


@contextmanager
def open_inputs(source: str, jsonl: bool) -> "Iterator[Iterator[Input]]":
    """Each line of a file or of standard input (`-`), as it comes; lines end at LF only.

    Raises:
        DataError: the file is missing or unreadable.
    """
    name = "standard input" if source == STANDARD_INPUT else source
    try:
        opened = _open(source)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}); check the path") from None
    with opened as stream:
        yield _read(stream, name, jsonl or source.endswith(".jsonl"))


def noting_labels(lines: "Iterable[Input]", labels: Collection[str], say: Callable[[str], None]) -> "Iterator[Input]":
    """The same lines; says once where they look as if they began with one of these labels and a TAB."""
    has_said = False
    for raw, place in lines:
        if not has_said and isinstance(raw, str) and "\t" in raw and raw.partition("\t")[0] in labels:
            has_said = True
            remedy = "cut the labels off, or score such a file by mtlkit evaluate ARCHIVE --task TASK --file FILE"
            say(f"{place}: looks like LABEL<TAB>TEXT, but the whole line is taken for the text; {remedy}")
        yield raw, place


def _open(source: str) -> AbstractContextManager[BinaryIO]:
    if source != STANDARD_INPUT:
        return Path(source).open("rb")
    if sys.stdin is None:
        raise DataError("standard input: is closed; give it lines, or name a file")
    return nullcontext(sys.stdin.buffer)


def _read(stream: BinaryIO, name: str, as_json: bool) -> "Iterator[Input]":
    from mtlkit.data.lines import bounded_lines, what_is_wrong

    try:
        for number, line in enumerate(bounded_lines(stream), 1):
            wrong = what_is_wrong(line)
            yield DataError(wrong) if wrong else _parse(line.rstrip(b"\r\n"), as_json), f"{name}:{number}"
    except OSError as error:
        raise DataError(f"{name}: cannot be read on ({error.strerror}); mend or copy the file") from None


def _parse(line: bytes, as_json: bool) -> "str | dict[str, object] | DataError":
    try:
        text = line.decode("utf-8")
        if not as_json:
            return text
        value = json.loads(text)
    except UnicodeDecodeError:
        return DataError("not UTF-8; convert the input to UTF-8")
    except (ValueError, RecursionError) as error:
        return DataError(f"not valid JSON ({error})")
    return value if isinstance(value, dict) else DataError('not a JSON object; write {"text": ...}')
