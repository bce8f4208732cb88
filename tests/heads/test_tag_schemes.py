"""Constraints of decoding that fit the scheme of the tags."""

from typing import Any

import pytest

from mtlkit.heads import CrfTagger


def constrained(labels: list[str], tag_scheme: str | None, **settings: Any) -> bool:
    head = CrfTagger(**settings, input_dim=3, labels=labels, tag_scheme=tag_scheme)
    return not bool(head.allowed_transitions_LL.all())


@pytest.mark.parametrize("scheme", ["bio", "iobes", "auto"])
def test_tags_that_mark_no_spans_are_not_constrained(scheme: str) -> None:
    labels = ["O", "B-A", "I-A"]
    assert not constrained(labels, "none", scheme=scheme)
    assert constrained(labels, "iob2", scheme=scheme) and constrained(labels, None, scheme=scheme)


@pytest.mark.parametrize("scheme", ["bio", "iobes", "auto"])
def test_tags_without_a_type_are_constrained_where_they_are_known_to_mark_spans(scheme: str) -> None:
    labels = ["O", "B", "I"]
    assert constrained(labels, "iob2", scheme=scheme)
    assert not constrained(labels, None, scheme=scheme)  # as an older mtlkit decoded them
