"""Names of figures: what is written can be read, and no two figures have one name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.errors import ComponentError
from mtlkit.figures import (
    AVERAGE,
    MAJORITY,
    SHARE,
    Figure,
    counted,
    score_problem,
    split_score,
    summary_of,
    tasks_of_figures,
    with_averages,
)
from mtlkit.metrics import Accuracy, AdditiveMetric, Metric, SpanF1, TokenAccuracy

LINES = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1).filter(str.isprintable)
TASKS = LINES.filter(lambda name: "/" not in name) | st.sampled_from([AVERAGE, "clean_books", "books-2", "a_b"])
METRICS = (LINES | st.sampled_from([MAJORITY, SHARE, "accuracy", "clean", "f1/NP", "/", "f1_clean_"])).filter(
    lambda name: not name.startswith("clean_")
)
FIGURES = st.builds(Figure, TASKS, METRICS, st.booleans())


@given(FIGURES)
def test_what_is_written_is_read(figure: Figure) -> None:
    assert Figure.parse(str(figure)) == figure


@given(FIGURES, FIGURES)
def test_different_figures_have_different_names(one: Figure, other: Figure) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(st.text() | st.builds("{}/{}".format, st.text(), st.text()) | st.from_regex(r"(clean_)*/(clean_)*x?"))
def test_a_name_is_read_as_it_is_or_refused(name: str) -> None:
    try:
        figure = Figure.parse(name)
    except ValueError as error:
        assert "is not a figure, task/metric or task/clean_metric" in str(error)
    else:
        assert str(figure) == name


def test_names_on_disk_stay() -> None:
    assert str(Figure("books", "accuracy")) == "books/accuracy"
    assert str(Figure("books", "accuracy", clean=True)) == "books/clean_accuracy"
    assert str(Figure("books", SHARE, clean=True)) == "books/clean_share"
    assert str(Figure("books", MAJORITY)) == "books/majority"
    assert str(Figure(AVERAGE, "token_accuracy")) == "average/token_accuracy"
    assert Figure(AVERAGE, "token_accuracy", clean=True).label == "clean token accuracy"
    assert split_score("clean_f1") == ("f1", True) and split_score("f1") == ("f1", False)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("accuracy", "'' is not the name of a metric, which is one line of text"),
        ("/accuracy", "'' is not the name of a task, which is a word without '/'"),
        ("books/", "'' is not the name of a metric"),
        ("books/clean_", "'' is not the name of a metric"),
        ("books/f1\n", r"'f1\n' is not the name of a metric"),
        ("books/clean_clean_f1", "'clean_f1' is not the name of a metric, since 'clean_' stands for clean texts"),
    ],
)
def test_a_name_of_no_figure_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        Figure.parse(name)
    assert str(caught.value).startswith(f"{name!r} is not a figure, task/metric or task/clean_metric: {reason}")


@pytest.mark.parametrize("name", ["clean_f1", "clean_", "", "f1\n", SHARE, MAJORITY])
def test_a_metric_cannot_take_the_name_of_another_figure(name: str) -> None:
    assert score_problem(name) is not None
    with pytest.raises(ComponentError, match=r"headline: .*rename"):
        type("Mine", (Metric,), {"headline": name})
    with pytest.raises(ComponentError, match=r"headline: .*rename"):
        type("Mine", (AdditiveMetric,), {"headline": name})


@pytest.mark.parametrize("metric", [Accuracy, SpanF1, TokenAccuracy])
def test_the_metrics_here_give_scores_of_their_own(metric: type[AdditiveMetric]) -> None:
    assert not any(map(score_problem, metric().compute()))


def test_a_task_whose_name_begins_like_a_clean_metric_is_only_a_task() -> None:
    figures = {"clean_books/accuracy": 0.5, "average/accuracy": 0.5}
    assert not any(Figure.parse(name).clean for name in figures)
    assert tasks_of_figures(figures) == ["clean_books"]


def test_a_summary_is_of_averages_where_there_are_some() -> None:
    assert summary_of({"a/f1": 0.5, "averages/f1": 0.2}) == {"a/f1": 0.5, "averages/f1": 0.2}
    assert summary_of({"a/f1": 0.5, "average/f1": 0.2, "average/clean_f1": 0.1}).keys() == {
        "average/f1",
        "average/clean_f1",
    }


def test_what_counts_of_a_task_in_a_clean_average() -> None:
    figures = {"a/f1": 0.9, "a/clean_share": 0.5, "a/clean_f1": 0.7, "b/f1": 0.5, "c/f1": 1.0, "c/clean_share": 0.0}
    assert [counted(figures, Figure(task, "f1", clean=True)) for task in "abcd"] == [0.7, 0.5, None, None]
    assert [counted(figures, Figure(task, "f1")) for task in "abcd"] == [0.9, 0.5, 1.0, None]


def test_averages_are_over_the_tasks_that_have_a_metric() -> None:
    figures = with_averages({"a/accuracy": 0.5, "b/accuracy": 1.0, "c/f1": 0.2})
    assert figures["average/accuracy"] == 0.75
    assert "average/f1" not in figures


def test_a_clean_average_takes_the_standard_figure_where_all_is_clean() -> None:
    figures = with_averages({"a/accuracy": 0.9, "a/clean_share": 0.5, "a/clean_accuracy": 0.7, "b/accuracy": 0.5})
    assert figures["average/accuracy"] == pytest.approx(0.7)
    assert figures["average/clean_accuracy"] == pytest.approx(0.6)
    assert "average/clean_share" not in figures


def test_a_task_whose_test_texts_were_all_seen_has_no_part_in_a_clean_average() -> None:
    leaked = {"a/accuracy": 1.0, "a/clean_share": 0.0}
    others = {"b/accuracy": 0.6, "b/clean_share": 0.9, "b/clean_accuracy": 0.5, "c/accuracy": 0.7}
    assert with_averages({**leaked, **others})["average/clean_accuracy"] == pytest.approx(0.6)
