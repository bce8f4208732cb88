"""Turns sections into one HTML file that needs neither a network nor other files."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from mtlkit import __version__
from mtlkit.report.analysis.facts import deck, items, key_facts, provenance
from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Cell, Section, Table
from mtlkit.report.templating import joined, render

GENERATOR = f"mtlkit report {__version__}"


def page(evidence: Evidence, sections: Sequence[Section]) -> str:
    """The HTML of the whole page. Equal input gives equal text."""
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
        sections=sections,
        svg=inline_svg,
        shown=_as_shown,
        provenance=provenance(evidence),
        data=data,
        experiment=Markup.escape(json.dumps(evidence.settings, indent=2)),
        style=joined("style.css"),
        script=script,
    )
    return f"{html}\n"


def is_report(content: str) -> bool:
    """Whether a file that begins like this is a page of ours."""
    return '<meta name="generator" content="mtlkit report ' in content


def _as_shown(table: Table) -> tuple[Table, set[int]]:
    """A table as the page shows it, with rounded numbers, and the places of its columns of numbers."""
    rows = tuple(tuple(map(_shown, row)) for row in table.rows)
    columns = range(1, len(table.header)) if rows else ()
    return replace(table, rows=rows), {place for place in columns if all(_is_number(row[place]) for row in rows)}


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
