"""From sections to one HTML file that needs nothing else: no network, no other file."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import assert_never, final

from markupsafe import Markup

from mtlkit import __version__
from mtlkit.report.analysis.facts import deck, items, key_facts, provenance
from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Cell, Chart, Part, Section, Table, View
from mtlkit.report.templating import joined, render

GENERATOR = f"mtlkit report {__version__}"
PHONE = 3.9
"""Inches; what is wider scrolls in a frame of its own."""
NARROW = 54
"""Letters of a table's row; one of no more stands beside charts."""
BESIDE, FEWEST = 3, 15
"""Letters for which a cell has room that is empty, and those for which one of words has room at least."""


def page(evidence: Evidence, sections: Sequence[Section]) -> str:
    """The whole file. Equal input gives equal text."""
    script = Markup("\n{}").format(joined("script.js"))
    digests = items(evidence.meta.get("data"))
    data = Table(("file", "sha256"), tuple((Path(file).name, str(digest)) for file, digest in digests))
    html = render(
        "page.html",
        generator=GENERATOR,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        name=evidence.name,
        deck=deck(evidence),
        facts=key_facts(evidence),
        notes=evidence.notes,
        sections=[_section(section) for section in sections],
        provenance=provenance(evidence),
        data=_Rows.of(data),
        experiment=Markup.escape(json.dumps(evidence.settings, indent=2)),
        style=joined("style.css"),
        script=script,
    )
    return f"{html}\n"


def is_report(content: str) -> bool:
    """Whether a file that begins like this is a page of ours."""
    return bool(re.search(r'<meta name="generator" content="mtlkit report ', content))


@final
@dataclass(frozen=True)
class _Rows:
    """A table as the page shows it: rounded, with columns of numbers to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    numeric: frozenset[int]

    @classmethod
    def of(cls, table: Table) -> "_Rows":
        rows = tuple(tuple(map(_shown, row)) for row in table.rows)
        columns = range(1, len(table.header))
        numeric = {place for place in columns if rows and all(_is_number(row[place]) for row in rows)}
        return cls(table.header, rows, table.caption, frozenset(numeric))


@final
@dataclass(frozen=True)
class _Figure:
    """A chart as the page shows it."""

    name: str
    title: str
    caption: str
    svg: Markup
    table: _Rows
    is_wide: bool


@final
@dataclass(frozen=True)
class _Group:
    """Charts and narrow tables that stand side by side, or one thing that takes all the width."""

    is_grid: bool
    items: Sequence[_Figure | _Rows | Markup]


@final
@dataclass(frozen=True)
class _Shown:
    """A section as the page shows it."""

    anchor: str
    title: str
    lead: str
    groups: Sequence[_Group]


def _section(section: Section) -> _Shown:
    groups: list[_Group] = []
    for is_grid, parts in groupby(section.parts, _is_narrow):
        shown = [_part(part) for part in parts]
        groups += [_Group(True, shown)] if is_grid else [_Group(False, [each]) for each in shown]
    return _Shown(section.anchor, section.title, section.lead, groups)


def _is_narrow(part: Part) -> bool:
    if not isinstance(part, Table):
        return isinstance(part, Chart)
    columns = zip(part.header, *(map(_shown, row) for row in part.rows), strict=True)
    return sum(map(_letters, columns)) <= NARROW


def _letters(column: Sequence[str]) -> int:
    """For which a column has room, its head first."""
    head, *cells = column
    longest = max((len(cell) for cell in cells), default=0)
    words = max(map(len, head.split()), default=0)
    return BESIDE + max(longest, words, 0 if all(map(_is_number, cells)) else FEWEST)


def _part(part: Part) -> _Figure | _Rows | Markup:
    match part:
        case Table():
            return _Rows.of(part)
        case View():
            return part.markup
        case Chart():
            data, is_wide = _Rows.of(part.data), part.width > PHONE
            return _Figure(part.name, part.title, part.caption, inline_svg(part), data, is_wide)
        case _:
            assert_never(part)


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case float():
            return f"{cell:.4g}".replace("-", "−")
        case int():
            return f"{cell:,}".replace("-", "−")
        case _:
            return cell


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"([+−-]?[\d.,]+(e[+−-]?\d+)?( ?%)?)?", text))
