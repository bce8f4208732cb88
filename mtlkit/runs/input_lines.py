"""The lines of a file or of standard input, the first of which can be looked at before they are read."""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import IO, Literal, TypeAlias, final

from mtlkit.data import Skipped
from mtlkit.data.compression import DamagedError, unpacked
from mtlkit.data.formats import MOST_LINES
from mtlkit.data.lines import BYTE_ORDER_MARK, bounded_lines, open_lines, what_is_wrong, what_is_wrong_at_the_start
from mtlkit.data.readers.fields import distinct_fields
from mtlkit.errors import DataError
from mtlkit.runs.predict import Input, Raw, WithId

LineFormat: TypeAlias = Literal["text", "ids", "jsonl"]
"""What each line is: a text, `ID<TAB>TEXT`, or a JSON object."""
STANDARD_INPUT = "-"
LOOKED_AT = 2**22
"""The number of bytes that are looked at, if there are so many."""


@final
class InputLines:
    """Numbered lines of bytes. `name` stands for the input in messages.

    `is_file` says that the input can be read a second time; standard input and pipes cannot, and of them no line is
    read before the answers to those before it are asked for.
    """

    def __init__(self, name: str, stream: IO[bytes], is_file: bool) -> None:
        self.name, self.is_file = name, is_file
        self._lines = enumerate(bounded_lines(stream), 1)
        self._seen: list[tuple[int, bytes]] = []

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yields each line with its number, from 1.

        Raises:
            DataError: the input cannot be read on or unpacked, is not UTF-8 from its first bytes on, or has lines that
                end at CR alone.
        """
        number = 0
        try:
            for number, line in chain(self._looked_at(), self._lines):
                if number == 1 and (wrong := what_is_wrong_at_the_start(line)):
                    raise DataError(f"{self.name}:1: {wrong}")
                yield number, line
        except DamagedError as error:
            raise DataError(f"{self.name}:{number + 1}: {error.what}") from None
        except OSError as error:
            raise DataError(f"{self.name}: cannot be read on ({error.strerror}); mend or copy the file") from None

    def head(self) -> list[str]:
        """The first lines without their ends, as far as they are text: many of a file, and one of standard input."""
        if not self._seen:
            size = 0
            for numbered in islice(self, MOST_LINES if self.is_file else 1):
                self._seen.append(numbered)
                size += len(numbered[1])
                if size > LOOKED_AT:
                    break
        lines = (line for _, line in self._seen if what_is_wrong(line) is None)
        return [line.decode(errors="replace").rstrip("\r\n").lstrip(BYTE_ORDER_MARK) for line in lines]

    def _looked_at(self) -> Iterator[tuple[int, bytes]]:
        seen, self._seen = self._seen, []
        yield from seen


@contextmanager
def open_input(source: str) -> Iterator[InputLines]:
    """Opens a file, or standard input (`-`), and unpacks it as it is read if it is compressed.

    Raises:
        DataError: the file is missing or unreadable, or standard input is closed.
    """
    with ExitStack() as stack:
        if source != STANDARD_INPUT:
            stream = stack.enter_context(open_lines(Path(source)))
            yield InputLines(source, stream, Path(source).is_file())
        elif sys.stdin is None:
            raise DataError("standard input: is closed; give it lines, or name a file")
        else:
            given: IO[bytes] = sys.stdin.buffer
            if isinstance(given, io.BufferedReader):
                given = stack.enter_context(unpacked(given, Path("standard input")))
            yield InputLines("standard input", given, is_file=False)


def texts_of(lines: InputLines, format_: LineFormat) -> Iterator[Input]:
    """Yields the text, or the error, of each line. Lines end at LF only. A blank line is a text without words; in other
    formats it is left out.

    Raises:
        DataError: the input cannot be read on.
    """
    for number, line in lines:
        wrong = what_is_wrong(line)
        yield DataError(wrong) if wrong else _parsed(line.rstrip(b"\r\n"), format_), f"{lines.name}:{number}"


def _parsed(line: bytes, format_: LineFormat) -> Raw | DataError | Skipped:
    try:
        text = line.decode("utf-8").lstrip(BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        return DataError("not UTF-8; convert the input to UTF-8")
    if format_ == "text":
        return text
    if not text.strip():
        return Skipped("blank")
    if format_ == "jsonl":
        return json_object(text)
    name, tab, rest = text.partition("\t")
    return WithId(name, rest) if tab else DataError("no TAB between id and text; write the line as ID<TAB>TEXT")


def json_object(text: str) -> Mapping[str, object] | DataError:
    """Parses a JSON object that can be written again unchanged, or returns the error in its place."""
    try:
        value = json.loads(
            text, object_pairs_hook=distinct_fields, parse_constant=_refuse_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        return DataError(f"not valid JSON ({error})")
    return value if isinstance(value, dict) else DataError('not a JSON object; write {"text": ...}')


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _finite(digits: str) -> float:
    if not isfinite(number := float(digits)):
        raise ValueError(f"the number {digits} is too large")
    return number
