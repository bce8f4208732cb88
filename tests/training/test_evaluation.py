"""Figures, clean figures, averages."""

import pytest

from mtlkit.training import as_target, with_averages


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


def test_decisions_in_words() -> None:
    assert as_target(1, ["no", "yes"]) == "yes"
    assert as_target([0, 2, -1, -1], ["O", "B-X", "I-X"]) == ("O", "I-X")
