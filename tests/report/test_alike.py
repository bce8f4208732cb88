"""What is so nearly alike that it is told in words, and is not drawn as if it were much."""

import re

import pytest

from mtlkit.report.analysis.strengths import alike, next_to_nothing, strengths_of
from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.charts.over_training import SHARE, over_training
from mtlkit.report.evidence import Epoch
from mtlkit.report.views import sharing_map
from mtlkit.report.views.course import reading_section
from mtlkit.report.views.sharing_map import map_view
from mtlkit.sharing.summaries import WordSummary
from tests.report import shared_evidence
from tests.report.shared_evidence import FOUR, GRID, course_of, evidence, made


def words_of(chart) -> set[str]:
    return set(re.findall(r"<text [^>]*>([^<]*)</text>", inline_svg(chart)))


def drawn_limits(values, **settings):
    from matplotlib.figure import Figure

    epochs = [Epoch(None, number, {}, None) for number, _ in enumerate(values, 1)]
    figure = Figure()
    over_training("name", "Title", "Caption.", epochs, {"movie": values}, number="share", **settings).draw(figure)
    return figure.axes[0].get_ylim()


@pytest.mark.parametrize("values", [[0.9985, 0.9992], [0.001, 0.0005], [0.5, 0.5001], [0.2, 0.7]])
def test_an_axis_spans_a_tenth_at_least_and_no_share_that_there_cannot_be(values) -> None:
    low, high = drawn_limits(values, within=SHARE)
    assert high - low >= 0.1 - 1e-9 and low >= SHARE[0] and high <= SHARE[1]
    assert low < min(values) and high > max(values)


def test_an_axis_of_words_spans_one_and_begins_at_none() -> None:
    low, high = drawn_limits([3.0, 3.001], span=1.0, within=(0.0, float("inf")))
    assert high - low == pytest.approx(1.0) and low < 3 < high


def spread(value: float) -> WordSummary:
    return WordSummary(10, None, None, 2.0, value, 0.5)


def test_spreads_near_one_are_told() -> None:
    assert alike({"movie": spread(0.5), "tweet": spread(float("nan"))}) == ""
    assert "the words of movie read nearly all alike" in alike({"movie": spread(0.99), "tweet": spread(0.5)})
    flat = {"movie": spread(0.999), "tweet": spread(0.99)}
    assert "the words of all tasks read nearly all alike" in alike(flat)
    lines = [{"epoch": 1, "sharing": {task: summary.to_json() for task, summary in flat.items()}}]
    given = evidence(flat, lines)
    section = reading_section(given)
    assert section is not None and "all alike" in next(p.caption for p in section.parts if p.name == "reading-spread")
    shared = sharing_map.section(given)
    assert shared is not None and "read nearly all alike" in shared.lead


def test_small_lifts_are_told() -> None:
    assert "next to nothing: the largest lift is 1.08" in next_to_nothing([1.02, 1.08])
    assert next_to_nothing([1.02, 1.3]) == ""


def test_a_matrix_says_what_its_rows_and_columns_are() -> None:
    for make, columns in ((shared_evidence.words, "task reads …"), (shared_evidence.path, "task")):
        (strengths,) = strengths_of(made(make, FOUR))
        matrix = map_view(strengths).figures[-1]
        assert {"task", columns} <= words_of(matrix)


def test_a_grid_over_training_says_that_columns_are_epochs() -> None:
    make = shared_evidence.words
    section = reading_section(evidence(made(make, GRID), course_of(make, GRID, 3)))
    assert section is not None and {"pair", "epoch"} <= words_of(section.parts[0])
