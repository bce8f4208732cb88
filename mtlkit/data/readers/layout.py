"""How a file of columns is laid out: what separates its columns, what they are called, and which one holds ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, final

from mtlkit.data.formats import BOUNDARY, HEADER
from mtlkit.data.lines import read_lines
from mtlkit.data.readers.conllu import NAMES, WITH_EMPTY_VALUES, begins_a_sentence
from mtlkit.errors import DataError

ColumnsFormat: TypeAlias = Literal["auto", "columns", "conllu"]
HEADERS = (HEADER, "# global.columns = ")  # ours, and that of CoNLL-U Plus
SEPARATORS = {",": "commas", ";": "semicolons", "|": "bars"}


@final
@dataclass(frozen=True)
class Layout:
    """The layout of one file.

    `names` are those of its columns, as far as they are known, and `has_header` says whether it gives them itself.
    `ids` is the position of the column with ids of tokens, or None; `is_conllu` says whether they tell which rows are
    words.
    """

    width: int
    by_tabs: bool
    names: tuple[str, ...] = ()
    has_header: bool = False
    ids: int | None = None
    is_conllu: bool = False

    def cells(self, line: str) -> list[str]:
        """Splits a row at its TABs, or at its blanks in a file without TABs. White space around a cell is removed."""
        if not self.by_tabs:
            row = line.strip().split(" ")
            if "" in row:
                row = [cell for cell in row if cell]
            return row if line.isascii() else [cell.strip() for cell in row]
        row = line.split("\t")
        if " " in line or "\r" in line or not line.isascii():
            return [cell.strip() for cell in row]
        return row

    def what_is_ragged(self, line: str, row: list[str]) -> str:
        """Says why a row does not have as many columns as the file, and the remedy."""
        no_tab = self.by_tabs and "\t" not in line and self.width > 1
        if no_tab and not line.startswith("#"):
            return "no TAB, which separates columns in this file; put one between columns"
        if not self.by_tabs and "\t" in line.strip():
            return "a TAB, where blanks separate columns in this file; use one of them throughout"
        if self.width == 1 and (separator := _other_separator(line)):
            return f"columns seem to be separated by {separator}; separate them by TABs"
        what = f"{len(row)} column{'' if len(row) == 1 else 's'} where the file has {self.width}"
        what = "no TAB, which separates columns in this file" if no_tab else what
        if line.startswith("#"):
            return f"{what}; mend the line, or set the reader's `comments` to true if it is a comment"
        if "" in row:
            return f"{what}; mend the line, with a single TAB between columns and `_` where there is no value"
        return f"{what}; mend the line"

    def words(self, choice: str | int, first: list[str]) -> int:
        """Returns the position of the words: the chosen column, or FORM if that is the one with the ids.

        Args:
            choice: the name or position of a column.
            first: the first row of the file.

        Raises:
            DataError: there is no such column, or it has the ids and none is called FORM.
        """
        place = self.position(choice, first)
        if place != self.ids:
            return place
        if choice == place and "FORM" in self.names:
            return self.names.index("FORM")
        raise DataError(f"column {place} has the ids of tokens; set the reader's `words` to another{self._known(': ')}")

    def tags(self, choice: str | int, first: list[str]) -> int:
        """Returns the position of the tags. Raises DataError if there is no such column, or CoNLL-U's ids are in it."""
        place = self.position(choice, first)
        if self.is_conllu and place == self.ids:
            raise DataError(
                f"column {place} has the ids of tokens; set the reader's `tags` to another{self._known(': ')}"
            )
        return place

    def has(self, choice: str | int) -> bool:
        """Whether there is a column of this name, or at this position."""
        return choice < self.width if isinstance(choice, int) else choice in self.names

    def has_empty_values(self, place: int) -> bool:
        """Whether `_` is a value in the column at this position, as in some of CoNLL-U."""
        return self.is_conllu and place < len(self.names) and self.names[place] in WITH_EMPTY_VALUES

    def position(self, choice: str | int, first: list[str]) -> int:
        """Returns the position of the column of this name, or at this position. Raises DataError if there is none."""
        if isinstance(choice, int):
            if choice < self.width:
                return choice
            raise DataError(self._no_column(choice, first))
        match self.names.count(choice):
            case 1:
                return self.names.index(choice)
            case 0:
                known = (
                    ", ".join(filter(None, self.names)) or f"none has a name, as the file lacks the line `{HEADER}...`"
                )
                raise DataError(f"no column '{choice}' (columns: {known}); choose another or give its place")
        raise DataError(f"several columns are called '{choice}'; give the place of one, counted from 0")

    def _no_column(self, place: int, first: list[str]) -> str:
        if self.width > 1:
            return f"no column {place}, only 0 to {self.width - 1}; choose another"
        if separator := _other_separator(first[0]):
            return f"no column {place}, as columns seem to be separated by {separator}; separate them by TABs"
        return f"no column {place}, only a single one; write each word and its tags on one line, with a TAB between"

    def _known(self, before: str) -> str:
        return f"{before}{', '.join(name for name in self.names if name)}" if self.names else ""


def layout_of(path: Path, chosen: ColumnsFormat, comments: bool | None) -> Layout | None:
    """Finds the layout of a file from its header, if it has one, and its first row; None if it has no row.

    Raises:
        DataError: the beginning of the file cannot be read as text, or has a header without ID although it is said to
            be CoNLL-U.
    """
    header, row = _beginning(path, comments)
    if row is None:
        return None
    by_tabs = bool(header) or "\t" in row.strip() or ("\t" in row and " " not in row.strip())
    cells = Layout(0, by_tabs).cells(row)
    recognised = by_tabs and _begins_conllu(header, cells)
    is_conllu = chosen == "conllu" or (chosen == "auto" and recognised)
    width = len(header) or len(cells)
    names = header
    if not header and (is_conllu or recognised):
        names = NAMES if width == len(NAMES) else NAMES[: min(2, width)]
    folded = [name.casefold() for name in names]
    ids = folded.index("id") if "id" in folded else None
    if ids is None and is_conllu:
        raise DataError(
            f"{path}: the header names no column ID, as CoNLL-U has; set the reader's `format` to 'columns'"
        )
    return Layout(width, by_tabs, names, bool(header), ids, is_conllu)


def is_boundary(line: str) -> bool:
    """Whether a line marks the beginning of a document, as in CoNLL-2003."""
    return any(cell.upper().startswith(BOUNDARY) for cell in line.split())


def names_in(line: str) -> tuple[str, ...]:
    """Returns the names that a header gives to columns; none if the line is not a header."""
    if not line.startswith(HEADERS):
        return ()
    return next(tuple(line.removeprefix(start).split()) for start in HEADERS if line.startswith(start))


def _beginning(path: Path, comments: bool | None) -> tuple[tuple[str, ...], str | None]:
    """Returns the names of the header and the first row, or nothing for one that is missing.

    A line that begins with `#` counts as a row if no other line does, or if it has the TABs of a file with a header.
    """
    header: tuple[str, ...] = ()
    hashed: str | None = None
    for line in _content(path):
        if line.startswith("#"):
            header = header or names_in(line)
            if header and "\t" in line and not names_in(line):
                return header, line
            if not hashed and not names_in(line) and comments is not True and len(line.split()) > 1:
                hashed = line
        elif "DOCSTART" not in line.upper() or not is_boundary(line):
            return header, line
    return header, hashed


def _content(path: Path) -> Iterator[str]:
    return (line for _, line in read_lines(path) if line and not line.isspace())


def _begins_conllu(header: tuple[str, ...], first: list[str]) -> bool:
    """Whether the header and the first row are those of CoNLL-U: an ID column in which the first sentence begins."""
    if not header:
        return len(first) == len(NAMES) and begins_a_sentence(first[0])
    names = [name.casefold() for name in header[: len(first)]]
    return "id" in names and begins_a_sentence(first[names.index("id")])


def _other_separator(row: str) -> str | None:
    """Returns what seems to separate the columns of a row, if neither TABs nor blanks do."""
    return next((name for separator, name in SEPARATORS.items() if separator in row.strip(separator)), None)
