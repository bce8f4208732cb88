"""Turns a chart into an SVG element of a page, or into files for a paper."""

import io
import re
import warnings
from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mtlkit.files import write_atomically
from mtlkit.report.charts.theme import SURFACE, VARIABLES, themed
from mtlkit.report.parts import Chart, Table
from mtlkit.tables import csv_text
from mtlkit.text import visible

WIDTH = 3.9
"""The width of every chart, in inches: what a phone shows at its own size."""
POINTS = 72
"""Dots per inch in files of lines and curves, whatever the theme asks for."""
MARK = "mark-"
ENDINGS = (".svg", ".pdf", ".csv")


def mark(artist: Artist, text: str) -> None:
    """Says what an artist on a figure stands for, on hover, touch and focus."""
    artist.set_gid(MARK + visible(text))  # matplotlib escapes it


def name_rows(axes: Axes, names: Sequence[str], **style: Any) -> None:
    """Names rows, the first of which is on top, without ticks or a line beside them."""
    axes.set_yticks(range(len(names)), names, **style)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def label(text: str, most: int = 28) -> str:
    """A name as a drawing shows it: cut to at most `most` characters, with invisible characters written out."""
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def inline_svg(chart: Chart) -> Markup:
    """The chart as an element of the page, in the page's colours, with names that no other chart has."""
    svg = _drawn(chart, "svg", background="none").decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', _opening(chart), svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<[^>]*>", partial(_of_page, chart.name), svg)  # what stands between is a stranger's text
    return Markup(svg)


def write_chart(chart: Chart, folder: Path) -> list[Path]:
    """Writes NAME.svg, NAME.pdf and NAME.csv; returns their paths."""
    files = {
        folder / f"{chart.name}.svg": _drawn(chart, "svg"),
        folder / f"{chart.name}.pdf": _drawn(chart, "pdf"),
        folder / f"{chart.name}.csv": as_csv(chart.data).encode(),
    }
    for file, content in files.items():
        write_atomically(file, content)
    return list(files)


def holds_only_figures(folder: Path) -> bool:
    """Whether nothing is there but what `write_chart` has left, each chart in all its forms."""
    if not folder.exists():
        return True
    files = {file.name for file in folder.iterdir()}
    return files == {f"{Path(name).stem}{ending}" for name in files for ending in ENDINGS}


def as_csv(table: Table) -> str:
    """The table as CSV, with all digits of its numbers."""
    return csv_text(table.header, table.rows)


def _drawn(chart: Chart, form: str, background: str = SURFACE) -> bytes:
    """Draws the chart; equal charts give equal bytes. Files have a background, or a dark viewer would hide the ink."""
    with themed(), matplotlib.rc_context({"svg.hashsalt": chart.name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's fonts have it
        figure = Figure(figsize=(WIDTH, chart.height), dpi=POINTS, layout=(layout := ConstrainedLayoutEngine()))
        canvas = FigureCanvasSVG(figure) if form == "svg" else FigureCanvasPdf(figure)
        chart.draw(figure)
        if figure.axes:  # `print_figure` would draw all once more, unseen, to have it laid out
            layout.execute(figure)
        figure.set_layout_engine(None)
        buffer = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else {"CreationDate": None}
        canvas.print_figure(buffer, format=form, metadata=metadata, facecolor=background)
    return buffer.getvalue()


def _of_page(name: str, tag: re.Match[str]) -> str:
    """Gives a tag names that are unique on the page, and the page's colours; a mark becomes an element with focus."""
    if marked := re.fullmatch(rf"<g id=([\"']){MARK}(.*)\1>", tag[0], re.DOTALL):
        said = marked[2].replace('"', "&quot;")  # in matplotlib's single quotes it stands as it is
        return f'<g class="mark" tabindex="0" role="img" aria-label="{said}">'
    if tag[0].startswith('<svg class="chart"'):
        return tag[0]
    svg = re.sub(r'( id="|"#|url\(#)', rf"\g<1>{name}-", tag[0])
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg


def _opening(chart: Chart) -> str:
    label = escape(visible(f"{chart.title}. {chart.caption}"), quote=True).replace("\\", r"\\")
    return (
        rf'<svg class="chart" role="group" aria-label="{label}" viewBox="\1" width="{round(96 * WIDTH)}" fill="none">'
    )
