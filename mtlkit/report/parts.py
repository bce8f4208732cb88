"""What a report is made of: sections of charts, tables and views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from markupsafe import Markup
from matplotlib.figure import Figure

Cell: TypeAlias = str | int | float | None
"""None is an empty one."""


@final
@dataclass(frozen=True)
class Table:
    """Rows of as many cells as the header has names; on the page, and as the data of a chart in a CSV file."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@final
@dataclass(frozen=True)
class Chart:
    """A drawing that stands on the page and, with `--figures`, in files of its own."""

    name: str
    """Of its files, without ending: lower-case words with hyphens."""
    title: str
    caption: str
    """One or two sentences: what is drawn, and of what the axes are; read aloud in its place."""
    data: Table
    """All numbers that are drawn."""
    draw: Callable[[Figure], None]
    """Draws on an empty figure, in colours of `mtlkit.report.charts.theme` only, so that a dark page can turn them."""
    height: float = 2.7
    """Inches. All charts are as wide as a phone shows at its own size."""


@final
@dataclass(frozen=True)
class View:
    """Something that is read on the page: markup of a template, in which all that comes from data is escaped."""

    markup: Markup
    figures: Sequence[Chart] = ()
    """What stands for it in `--figures`."""


Part: TypeAlias = Table | Chart | View


@final
@dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    anchor: str
    """Lower-case words with hyphens; where the table of contents points to."""
    title: str
    lead: str
    """What is seen here and how to read it, in plain sentences."""
    parts: Sequence[Part]
