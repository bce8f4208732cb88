"""A chart becomes an element of the page."""

import xml.etree.ElementTree as ElementTree
from typing import Any

from mtlkit.report.charts.drawing import inline_svg, mark
from mtlkit.report.charts.theme import ACCENT
from mtlkit.report.parts import Chart, Table

LIKE_MARKUP = f'#1 id="a" url(#b) {ACCENT}'


def test_text_that_looks_like_a_name_or_a_colour_stays_as_it_is() -> None:
    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        (line,) = axes.plot([0, 1], [0, 1], color=ACCENT)
        mark(line, LIKE_MARKUP)
        axes.text(0, 0, LIKE_MARKUP)

    svg = str(inline_svg(Chart("made", LIKE_MARKUP, "", Table((), ()), draw)))
    root = ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1))
    texts = [text for each in root.iter() for text in (each.get("aria-label"), each.text) if text and text[0] == "#"]
    assert texts == [f"{LIKE_MARKUP}. ", LIKE_MARKUP, LIKE_MARKUP]
    assert "stroke: var(--series-1)" in svg and 'id="made-' in svg
