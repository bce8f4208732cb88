"""Recognition of file formats by the first lines of a file, so that no file is read in another format than its own.

What looks like two formats, or like none, is not recognised: a recognised format is one that texts, one per line, do
not have by chance.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from mtlkit.data.mistaken_columns import names_column

FileFormat: TypeAlias = Literal["label_and_text", "columns", "json_lines"]
"""A format that a reader may declare: lines of label, TAB, text; one token per line with its columns; JSON objects."""

OtherFormat: TypeAlias = Literal["id_and_text", "json_document", "table"]
"""A format that no reader has."""

MOST_LINES = 200
"""The number of lines that are looked at, if there are so many."""
MOST = 0.9
"""The share of lines that must have a trait. A file in which fewer have it is not recognised."""
FEWEST_ROWS = 3
HEADER_OF_COLUMNS = "# columns = "
DOCUMENT_START = "-DOCSTART-"
NAME = re.compile(r"[^\W\d](?:[^\W\d]|[ .-]){0,39}")
SPAN_TAG = re.compile(r"O|[BIESLUM]-\S+")
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
    known = sum("\t" in line and line.partition("\t")[0] in labels for line in filled)
    return LABELLED if known >= MOST * len(filled) else None


def _header(filled: Sequence[str], known: Collection[str]) -> Recognized | None:
    """Recognises tables by the row of names with which they begin, unless it may be a row with a known target."""
    for separator, name in (("\t", "a table with TABs"), (",", "CSV"), (";", "CSV")):
        names = [field.removeprefix('"').removesuffix('"') for field in filled[0].split(separator)]
        if len(names) < 2 or len(filled) < 2 or names[0] in known or names[-1] in known:
            continue
        is_row_of_names = all(map(NAME.fullmatch, names)) and any(map(names_column, names))
        if is_row_of_names and all(separator in line for line in filled[1:3]):
            return Recognized("table", f"{name} with a header ({', '.join(names)})")
    return None


def _columns(lines: Sequence[str], tags: Collection[str]) -> Recognized | None:
    rows = [_cells(line) for line in lines if line.strip() and not _is_comment(line)]
    if lines[0].startswith(HEADER_OF_COLUMNS) or any(row[0] == DOCUMENT_START for row in rows[:1]):
        return Recognized("columns", "one token per line")
    if not rows:
        return None
    width = Counter(map(len, rows)).most_common(1)[0][0]
    even = [row for row in rows if len(row) == width]
    if len(even) < MOST * len(rows):
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
    return line.strip("\r\n").split("\t") if "\t" in line.strip() else BLANKS.split(line.strip())


def _is_comment(line: str) -> bool:
    return line.startswith("# ") and "\t" not in line


def _has_tags(rows: Sequence[Sequence[str]], tags: Collection[str]) -> bool:
    """Whether a column has the tags of the tasks. A few rows must have them at their end, where texts seldom do."""
    if len(rows) < FEWEST_ROWS:
        return all(row[-1] in tags and row[0] not in tags and (len(row) == 2 or row[-1] != "O") for row in rows)
    return any(_mostly(column, tags) for column in zip(*rows, strict=True))


def _is_tagged(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the last column has the tags of spans, or the first one the numbers of CoNLL-U."""
    if len(rows) < FEWEST_ROWS:
        return False
    last = [row[-1] for row in rows]
    is_conllu = len(rows[0]) == 10 and all(CONLLU_ID.fullmatch(row[0]) for row in rows)
    return is_conllu or (all(map(SPAN_TAG.fullmatch, last)) and any(tag != "O" for tag in last))


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
    """Recognises tables without a header: by TABs in all lines, or by commas beside labels or ids."""
    if len(filled) < 2:
        return None
    tabs = {line.count("\t") for line in filled}
    if len(tabs) == 1 and tabs != {0}:
        return _tab_table(filled, labels, tabs.pop())
    for separator in ",;":
        cells = [line.split(separator) for line in filled]
        if any(len(row) < 2 or row[1].startswith(" ") for row in cells):
            continue
        first, last = [row[0].strip('" ') for row in cells], [row[-1].strip('" ') for row in cells]
        is_numbered = len(set(first)) == len(first) and all(each.isdecimal() for each in first)
        if is_numbered or any(_mostly(column, labels) for column in (first, last)):
            return Recognized("table", "CSV")
    return None


def _tab_table(filled: Sequence[str], labels: Collection[str], tabs: int) -> Recognized | None:
    if tabs > 1:
        return Recognized("table", f"a table of {tabs + 1} columns")
    first, second = zip(*(line.split("\t") for line in filled), strict=True)
    if _mostly(second, labels):
        return Recognized("table", "TEXT<TAB>LABEL")
    distinct = sorted(set(first))
    if len(distinct) > len(first) / 2 or any(len(each.split()) != 1 for each in distinct):
        return None
    return Recognized("table", f"LABEL<TAB>TEXT with labels of another task ({', '.join(distinct[:3])})")


def _mostly(values: Collection[str], labels: Collection[str]) -> bool:
    return sum(value in labels for value in values) >= MOST * len(values)
