"""The sections of a report in their order."""

from collections.abc import Callable, Iterator
from pathlib import Path

from mtlkit.errors import RunError
from mtlkit.files import make_folder
from mtlkit.report.charts.drawing import write_chart
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Chart, Section, View
from mtlkit.report.views import (
    affinities,
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
    affinities.section,
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
    charts: dict[str, Chart] = {}
    for chart in _charts(sections):
        if chart.name in charts:
            raise RunError(f"{folder}: two figures are called {chart.name}; rename one in its view")
        charts[chart.name] = chart
    make_folder(folder)
    return [file for chart in charts.values() for file in write_chart(chart, folder)]


def _charts(sections: list[Section]) -> Iterator[Chart]:
    for section in sections:
        for part in section.parts:
            if isinstance(part, Chart):
                yield part
            elif isinstance(part, View):
                yield from part.figures
