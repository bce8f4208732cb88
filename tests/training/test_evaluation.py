"""Answers in words."""

from mtlkit.training import as_target


def test_decisions_in_words() -> None:
    assert as_target(1, ["no", "yes"]) == "yes"
    assert as_target([0, 2, -1, -1], ["O", "B-X", "I-X"]) == ("O", "I-X")
