"""Explanations in a terminal: what weighs more stands out, and each source has its colour."""

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from mtlkit.cli.console import results, wide
from mtlkit.text import visible

if TYPE_CHECKING:
    from mtlkit.sharing.explanations import Entry, Explanation

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
"""Of sources, in turn, and the first one of whatever has no colour of its own."""
MUCH, LITTLE = 0.5, 0.25
"""Bold from the one on; dim below the other, as a share of what is most in the table."""


def explanation_text(explanation: "Explanation", to_file: bool) -> str:
    """The answer and the table below it, in colours where the terminal has them."""
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
