"""Recognition of file formats by the first lines of a file, so that no file is read in another format than its own.

What looks like two formats, or like none, is not recognised: a recognised format is one that texts, one per line, do
not have by chance.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, final

from mtlkit.data.mistaken_columns import names_column

FileFormat: TypeAlias = Literal["label_and_text", "columns", "json_lines"]
"""A format that a reader may declare: lines of label, TAB, text; one token per line with its columns; JSON objects."""

OtherFormat: TypeAlias = Literal["id_and_text", "json_document", "table"]
"""A format that no reader has."""

MOST_LINES = 200
"""The number of lines that are looked at, if there are so many."""
MOST = 0.9
"""The share of lines that must have a trait; see `_most`."""
FEWEST_ROWS = 3
HEADER = "# columns = "
BOUNDARY = "-DOCSTART-"
NAME = re.compile(r"[^\W\d](?:[^\W\d]|[ .-]){0,39}")
SPAN_TAG = re.compile(r"O|[BIESLUM]-\S+")
CAPITAL_SPAN_TAG = re.compile(r"O|[BIESLUM]-[A-Z]{2,}")
MARKS_OF_MISSING = ("_", "")
VECTOR = re.compile(r"\S+(?:\s+[-+]?(?:\d+(?:[.,]\d*)?(?:[eE][-+]?\d+)?|nan|inf)){2,}\s*", re.IGNORECASE)
CONLLU_ID = re.compile(r"\d+(?:[-.]\d+)?")
BLANKS = re.compile("[ \t]+")


@final
@dataclass(frozen=True, slots=True)
class Recognized:
    """What the first lines of a file look like."""

    format: FileFormat | OtherFormat
    what: str
    """The format in words that can follow `looks like`."""
    is_certain: bool = True
    """Whether the lines cannot reasonably be meant as texts, one per line."""


LABELLED = Recognized("label_and_text", "LABEL<TAB>TEXT")


def recognize(lines: Sequence[str], labels: Collection[str] = (), tags: Collection[str] = ()) -> Recognized | None:
    """Recognises the format of a file by its first lines.

    Args:
        lines: the first lines without their ends, or all lines of a short file.
        labels: the labels of the tasks, as they are written in files.
        tags: the tags of the tasks, as they are written in files; empty if no task has tags.

    Returns:
        The format, or None for plain texts, one per line.
    """
    filled = [line for line in lines if line.strip()]
    if not filled:
        return None
    return (
        _json(filled)
        or _header(filled, {*labels, *tags})
        or _labelled(filled, labels)
        or _columns(lines, tags)
        or _identified(filled)
        or _table(filled, labels)
    )


def _json(filled: Sequence[str]) -> Recognized | None:
    values = [_value(line) for line in filled[:5]]
    if filled[0].strip() not in ("[", "{") and any(isinstance(value, dict) for value in values):
        return Recognized("json_lines", "JSON lines")
    if isinstance(values[0], list) and values[0] and all(isinstance(each, dict) for each in values[0]):
        return Recognized("json_document", "a JSON array of objects")
    begins = len(filled) > 1 and re.fullmatch(r'\s*([{\[]\s*|[{\[]\s*[{"].*[^}\]])', filled[0])
    return Recognized("json_document", "one JSON document over several lines") if begins else None


def _value(line: str) -> object:
    if not line.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _labelled(filled: Sequence[str], labels: Collection[str]) -> Recognized | None:
    # Where labels are known, texts without one may be among the others.
    alike = {_without_case(label) for label in [*labels, *(MARKS_OF_MISSING if labels else ())]}
    known = sum("\t" in line and _without_case(line.partition("\t")[0]) in alike for line in filled)
    if known >= _most(len(filled)):
        return LABELLED
    return replace(LABELLED, is_certain=False) if known >= len(filled) / 2 else None


def _without_case(label: str) -> str:
    return label.strip().casefold()


def _header(filled: Sequence[str], known: Collection[str]) -> Recognized | None:
    """Recognises tables by the row of names with which they begin, unless it may be a row with a known target."""
    for separator, name in (("\t", "a table with TABs"), (",", "CSV"), (";", "CSV")):
        names = [field.removeprefix('"').removesuffix('"') for field in filled[0].split(separator)]
        if len(names) < 2 or len(filled) < 2 or names[0] in known or names[-1] in known:
            continue
        is_row_of_names = all(map(NAME.fullmatch, names)) and any(map(names_column, names))
        if is_row_of_names and all(separator in line for line in filled[1:3]):
            return Recognized("table", f"{name} with a header ({', '.join(names)})")
    is_name = len(filled) > 1 and names_column(filled[0]) and " " not in filled[0]
    if is_name and sum(" " in line for line in filled[1:]) >= MOST * len(filled[1:]):
        return Recognized("table", f"a column with a header ({filled[0]})")
    return None


def _columns(lines: Sequence[str], tags: Collection[str]) -> Recognized | None:
    rows = [_cells(line) for line in lines if line.strip() and not _is_comment(line)]
    if lines[0].startswith(HEADER) or any(row[0] == BOUNDARY for row in rows[:1]):
        return Recognized("columns", "one token per line")
    if not rows:
        return None
    width = Counter(map(len, rows)).most_common(1)[0][0]
    even = [row for row in rows if len(row) == width]
    if len(even) < _most(len(rows)):
        return None
    what = f"one token per line, in {width} columns" if width > 1 else "one token per line"
    if width > 1 and (_has_tags(even, tags) or _is_tagged(even)):
        return Recognized("columns", what)
    if len(rows) < FEWEST_ROWS or len(even) < len(rows) or any(" " in cell for row in rows for cell in row):
        return None
    if _has_sentences(lines) and (tags or (width > 1 and len(rows) > FEWEST_ROWS)):
        return Recognized("columns", what, is_certain=bool(tags))
    has_tabs = all("\t" in line for line in lines if line.strip() and not _is_comment(line))
    return Recognized("columns", what, is_certain=False) if tags and (width == 1 or has_tabs) else None


def _cells(line: str) -> list[str]:
    return line.rstrip().split("\t") if "\t" in line.rstrip() else BLANKS.split(line.strip())


def _is_comment(line: str) -> bool:
    return line.startswith("# ") and "\t" not in line


def _has_tags(rows: Sequence[Sequence[str]], tags: Collection[str]) -> bool:
    """Whether a column has the tags of the tasks. A few rows must have them at their end, where texts seldom do."""
    if len(rows) < FEWEST_ROWS:
        return all(row[-1] in tags and row[0] not in tags and (len(row) == 2 or row[-1] != "O") for row in rows)
    return any(_mostly(column, tags) for column in zip(*rows, strict=True))


def _is_tagged(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the last column has the tags of spans, or the first one the numbers of CoNLL-U."""
    if len(rows) < 2:
        return False
    last = [row[-1] for row in rows]
    if len(rows[0]) == 10 and all(CONLLU_ID.fullmatch(row[0]) for row in rows):
        return True
    tag = SPAN_TAG if len(rows) >= FEWEST_ROWS else CAPITAL_SPAN_TAG
    return all(map(tag.fullmatch, last)) and any(each != "O" for each in last)


def _has_sentences(lines: Sequence[str]) -> bool:
    """Whether empty lines end blocks of lines, as they end sentences."""
    blocks = "".join("x" if line.strip() else " " for line in lines).split()
    return len(blocks) > 1 and any(len(block) > 1 for block in blocks)


def _identified(filled: Sequence[str]) -> Recognized | None:
    ids, texts = [line.partition("\t")[0].strip() for line in filled], [line.partition("\t")[2] for line in filled]
    if not all(texts) or any("\t" in text for text in texts) or len(set(ids)) < len(ids):
        return None
    is_number = all(each.isdecimal() for each in ids)
    is_name = len(ids) > 1 and all(re.fullmatch(r"\S*\d\S*", each) for each in ids)
    return Recognized("id_and_text", "ID<TAB>TEXT") if is_number or is_name else None


def _table(filled: Sequence[str], labels: Collection[str]) -> Recognized | None:
    """Recognises tables without a header: by TABs in all lines, or by commas beside labels, tags or ids."""
    if len(filled) < 2:
        return None
    if all(VECTOR.fullmatch(line) for line in filled[1:]):
        return Recognized("table", "a file of vectors")
    for separator in "\t,;":
        # In CSV, a separator may stand between quotes.
        rows = [line.split(separator) if separator == "\t" else _csv_cells(line, separator) for line in filled]
        if all(len(row) > 1 and (separator == "\t" or not row[1].startswith(" ")) for row in rows):
            return _tab_table(rows, labels) if separator == "\t" else _csv(rows, labels)
    return None


def _csv_cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:  # for a cell that is too long
        return line.split(separator)


def _tab_table(rows: Sequence[Sequence[str]], labels: Collection[str]) -> Recognized | None:
    first, last, widths = [row[0] for row in rows], [row[-1] for row in rows], {len(row) for row in rows}
    if len(widths) == 1 and widths != {2}:
        return Recognized("table", f"a table of {widths.pop()} columns")
    if _mostly(last, labels) or (_is_repeated(last) and not _is_repeated(first)):
        return Recognized("table", "TEXT<TAB>LABEL")
    distinct = sorted(set(first))
    shown = f"({', '.join(distinct[:3])}{', ...' if len(distinct) > 3 else ''})"
    if _is_repeated(first):
        return Recognized("label_and_text", f"LABEL<TAB>TEXT with labels of another task {shown}", is_certain=False)
    return (
        Recognized("table", f"a table of 2 columns {shown}") if all(len(each.split()) == 1 for each in first) else None
    )


def _csv(rows: Sequence[Sequence[str]], labels: Collection[str]) -> Recognized | None:
    first, last = [row[0].strip('" ') for row in rows], [row[-1].strip('" ') for row in rows]
    is_numbered = len(set(first)) == len(first) and all(each.isdecimal() for each in first)
    has_targets = any(_mostly(column, labels) or _is_repeated(column) for column in (first, last))
    is_tagged = all(map(CAPITAL_SPAN_TAG.fullmatch, last))
    return Recognized("table", "CSV") if is_numbered or has_targets or is_tagged else None


def _is_repeated(values: Collection[str]) -> bool:
    """Whether these are a few words, each of which occurs more than once on average, as labels do."""
    distinct = set(values)
    return len(distinct) <= len(values) / 2 and all(len(value.split()) < 2 for value in distinct)


def _mostly(values: Collection[str], labels: Collection[str]) -> bool:
    return sum(value in labels for value in values) >= _most(len(values))


def _most(number: int) -> float:
    """How many of a number of lines must have a trait: nine in ten, and of four or more all but one."""
    return min(MOST * number, number - 1) if number > FEWEST_ROWS else MOST * number
