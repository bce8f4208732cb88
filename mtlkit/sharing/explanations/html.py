"""Explanations in notebooks, as HTML without scripts, classes or text colours, so that it suits any theme."""

from html import escape

from mtlkit.sharing.explanations.sheet import Entry, Sheet
from mtlkit.text import visible

HUES = (210, 30, 140, 0, 280, 60)
"""The hues of sources, in turn. Entries without a colour of their own have the first."""

DARKEST = 0.35
"""Opacity at the largest weight: black text on white, as white text on black, keeps a contrast of more than 7."""


def html_table(title: str, sheet: Sheet) -> str:
    """A sheet as an HTML table, in which entries of larger weight are darker."""
    head = "".join(f'<th style="text-align:left">{_text(name)}</th>' for name in sheet.header)
    lines = ["<table>", f'<caption style="text-align:left">{_text(title)}</caption>', f"<tr>{head}</tr>"]
    for row in sheet.rows:
        entries = (" ".join(_entry(entry, sheet.largest) for entry in cell) for cell in row.cells)
        cells = "".join(f'<td style="text-align:left">{cell}</td>' for cell in entries)
        lines.append(f'<tr><th scope="row" style="text-align:left">{_text(row.name)}</th>{cells}</tr>')
    return "\n".join([*lines, "</table>"])


def _entry(entry: Entry, largest: float) -> str:
    if entry.weight is None:
        return f"<span>{_text(entry.name)}</span>"
    opacity = DARKEST * abs(entry.weight) / (largest or 1)
    hue = HUES[(entry.place or 0) % len(HUES)]
    style = f"background:hsla({hue},80%,50%,{opacity:.2f});padding:0 .3em;white-space:nowrap"
    return f'<span style="{style}">{_text(entry.name)} {entry.weight:.2f}</span>'


def _text(text: str) -> str:
    return escape(visible(text))
