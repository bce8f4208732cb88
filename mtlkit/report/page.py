"""From sections to one HTML file that needs nothing else: no network, no other file."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import final

from markupsafe import Markup

from mtlkit import __version__
from mtlkit.report.drawing import inline_svg
from mtlkit.report.evidence import Evidence
from mtlkit.report.facts import deck, items, key_facts, provenance
from mtlkit.report.parts import Cell, Chart, Part, Section, Table, View
from mtlkit.report.templating import joined, render

GENERATOR = f"mtlkit report {__version__}"
PHONE = 3.9
"""Inches; what is wider scrolls in a frame of its own."""


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
        experiment=Markup.escape(json.dumps(evidence.experiment.to_json(), indent=2)),
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
    """Charts that stand side by side, or one table or view."""

    charts: Sequence[_Figure] = ()
    table: _Rows | None = None
    markup: Markup | None = None


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
    for is_chart, parts in groupby(section.parts, lambda part: isinstance(part, Chart)):
        together = list(parts)
        groups += [_group(together)] if is_chart else [_group([part]) for part in together]
    return _Shown(section.anchor, section.title, section.lead, groups)


def _group(parts: Sequence[Part]) -> _Group:
    match parts[0]:
        case Table() as table:
            return _Group(table=_Rows.of(table))
        case View() as view:
            return _Group(markup=view.markup)
        case _:
            return _Group(charts=[_figure(part) for part in parts if isinstance(part, Chart)])


def _figure(chart: Chart) -> _Figure:
    return _Figure(chart.name, chart.title, chart.caption, inline_svg(chart), _Rows.of(chart.data), chart.width > PHONE)


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
