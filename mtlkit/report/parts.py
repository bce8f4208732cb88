"""What a report is made of: sections of charts, tables and views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from markupsafe import Markup
from matplotlib.figure import Figure

Cell: TypeAlias = str | int | float | None
"""A cell of a table; None is an empty one."""


@final
@dataclass(frozen=True)
class Table:
    """A table of the page, or the data of a chart. Rows have as many cells as the header has names."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@final
@dataclass(frozen=True)
class Chart:
    """A drawing that stands on the page and, with `--figures`, in files of its own."""

    name: str
    """The name of its files, without ending: lower-case words with hyphens."""
    title: str
    caption: str
    """One or two sentences on what is drawn and what the axes are, which screen readers read in the drawing's place."""
    data: Table
    """All numbers that are drawn."""
    draw: Callable[[Figure], None]
    """Draws on an empty figure, in colours of `mtlkit.report.charts.theme` only, so that a dark page can turn them."""
    height: float = 2.7
    """The height in inches. All charts are as wide as a phone shows at its own size."""


@final
@dataclass(frozen=True)
class View:
    """Something that is read on the page: markup of a template, in which all that comes from data is escaped."""

    markup: Markup
    figures: Sequence[Chart] = ()
    """The charts that stand for it in `--figures`."""


Part: TypeAlias = Table | Chart | View


@final
@dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    anchor: str
    """The target of the table of contents: lower-case words with hyphens."""
    title: str
    lead: str
    """What is seen here and how to read it, in plain sentences."""
    parts: Sequence[Part]
