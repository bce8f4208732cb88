"""The sections of a report in their order."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from mtlkit.errors import RunError
from mtlkit.files import make_folder
from mtlkit.report.charts.drawing import write_chart
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Chart, Part, Section, View
from mtlkit.report.views import (
    course,
    curves,
    distances,
    mixture,
    patterns,
    pool,
    positions,
    sharing_map,
    summary,
    words,
    work,
)

VIEWS: tuple[Callable[[Evidence], Section | None], ...] = (
    summary.section,
    curves.section,
    sharing_map.section,
    words.section,
    words.affinities_section,
    positions.section,
    patterns.section,
    distances.section,
    pool.section,
    mixture.section,
    course.discriminator_section,
    course.reading_section,
    course.gradients_section,
    work.section,
)


def sections_of(evidence: Evidence) -> list[Section]:
    """Makes the sections that have something to show."""
    return [section for view in VIEWS if (section := view(evidence)) is not None]


def write_figures(sections: list[Section], folder: Path) -> list[Path]:
    """Writes each chart as SVG, PDF and CSV; equal charts give equal bytes.

    Raises:
        RunError: two charts have one name, so that one would take the other's place; nothing has been written.
    """
    charts = [chart for section in sections for part in section.parts for chart in _charts(part)]
    names = Counter(chart.name for chart in charts)
    if len(names) < len(charts):
        raise RunError(f"{folder}: two figures are called {max(names, key=names.__getitem__)}; rename one in its view")
    make_folder(folder)
    return [file for chart in charts for file in write_chart(chart, folder)]


def _charts(part: Part) -> Sequence[Chart]:
    if isinstance(part, Chart):
        return [part]
    return part.figures if isinstance(part, View) else []
