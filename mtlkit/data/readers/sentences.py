"""The file format of the `columns` reader: one token per line with its columns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from mtlkit.data.lines import read_lines
from mtlkit.errors import DataError

HEADER = "# columns = "
DOMAIN = "# domain = "
BLANKS = re.compile("[ \t]+")


@final
@dataclass
class Sentence:
    """The lines of one sentence, split into columns. `place` is the file and line where it begins."""

    place: str = ""
    names: list[str] = field(default_factory=list)
    domain: str | None = None
    rows: list[list[str]] = field(default_factory=list)

    def column(self, choice: str | int) -> tuple[str, ...]:
        """Returns the column with this name or at this position. Raises DataError if it does not exist."""
        if isinstance(choice, str) and choice not in self.names:
            known = ", ".join(self.names) or f"none has a name, as the file lacks the line `{HEADER}...`"
            raise DataError(f"{self.place}: no column '{choice}' (columns: {known}); choose another or give its place")
        place = self.names.index(choice) if isinstance(choice, str) else choice
        width = len(self.rows[0])
        if place >= width:
            raise DataError(f"{self.place}: no column {place}, only 0 to {width - 1}; choose another")
        return tuple(row[place] for row in self.rows)


def read_sentences(path: Path) -> Iterator[Sentence]:
    """Yields the sentences of a file in either format (see `ColumnsReader`).

    Raises:
        DataError: a token line has an empty column, or another number of columns than the lines before it.
    """
    names: list[str] = []
    width = 0
    sentence = Sentence()
    for number, line in read_lines(path):
        if number == 1 and line.startswith(HEADER):
            names = line.removeprefix(HEADER).split()
            width = len(names)
        elif names and line.startswith("# ") and "\t" not in line:
            if line.startswith(DOMAIN):
                sentence.domain = line.removeprefix(DOMAIN).strip()
        elif token := line.strip(" \t"):
            row = line.split("\t") if names else BLANKS.split(token)
            width = width or len(row)
            if len(row) != width or "" in row:
                raise DataError(f"{path}:{number}: {_ragged(row, width)}")
            sentence.rows.append(row)
            sentence.names = names
            sentence.place = sentence.place or f"{path}:{number}"
        elif sentence.rows:
            yield sentence
            sentence = Sentence()
    if sentence.rows:
        yield sentence


def _ragged(row: list[str], width: int) -> str:
    if len(row) == width:
        return "an empty column; write `_` where there is no value"
    return f"{len(row)} columns where the file has {width}; mend the line"
