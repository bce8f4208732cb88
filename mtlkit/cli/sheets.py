"""Explanations in a terminal: what weighs more stands out, and each source has its colour."""

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from mtlkit.cli.console import results, wide
from mtlkit.text import visible

if TYPE_CHECKING:
    from mtlkit.sharing.explanations import Entry, Explanation

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
"""The colours of sources, in turn; entries without a source have the first."""
MUCH, LITTLE = 0.5, 0.25
"""Weights from `MUCH` on are bold; those below `LITTLE`, as a share of the largest in the table, are dim."""


def explanation_text(explanation: "Explanation", to_file: bool) -> str:
    """The text of an explanation: the answer, and the table below it, in colours if the terminal has them."""
    console = wide if to_file or not results.is_terminal else results
    sheet = explanation.shared.sheet()
    shown = Table(*sheet.header[:1])
    for name in sheet.header[1:]:
        shown.add_column(name, overflow="fold")
    for row in sheet.rows:
        cells = (Text("   ").join(_entry(entry, sheet.largest) for entry in cell) for cell in row.cells)
        shown.add_row(Text(visible(row.name)), *cells)
    with console.capture() as captured:
        console.print(Text(visible(f"{explanation.task}: {explanation.answer}"), style="bold"))
        console.print(shown)
    return captured.get()


def _entry(entry: "Entry", largest: float) -> Text:
    if entry.weight is None:
        return Text(visible(entry.name))
    size = abs(entry.weight)
    strength = " bold" if size >= MUCH else " dim" if size < LITTLE * largest else ""
    colour = COLOURS[(entry.place or 0) % len(COLOURS)]
    return Text(f"{visible(entry.name)} {entry.weight:.2f}", style=colour + strength)
