"""Mistakes in the schemes of tags, and in metrics that do not fit them."""

import pytest

from tests.end_to_end.remedies.test_data import lines, only, tags
from tests.end_to_end.remedies.world import Mistake, try_out

TAGS = {"reader": {"type": "columns", "words": 0, "tags": 1}, "head": {"type": "crf_tagger"}}
MIXED = "the\tO\nfilm\tB-X\nnext\tI-X\n\na\tMISC\n"
TOUCHING = "the\tS-B\nfilm\tS-I\n\na\tO\n"
WORDS = "a\tN-S\n\nb\tV-S\n"
DOUBTFUL = 10 * "the\tB-X\nand\tO\nfilm\tI-X\nand\tO\n\n"
SINGLE = "a\tS-X\nb\tO\n"
POS = "the\tDET\nfilm\tNOUN\n\n"
JSON_TAGS = ({"words": ["a", "b"], "tags": ["B-X", "O"]},)


def scored(content, metric):
    return lambda w: w.data(**only(w, {**TAGS, "metrics": [{"type": metric}]}, content))


MISTAKES = [
    Mistake("some tags mark spans", tags(MIXED), "set the reader's scheme to 'iob2'", tags(MIXED, scheme="iob2")),
    Mistake("some tags mark spans, or none does", tags(MIXED), "or to 'none'", tags(MIXED, scheme="none")),
    Mistake("two readings", tags(TOUCHING), "'iobes' or 'iob2' or 'none'", tags(TOUCHING, scheme="iob2")),
    Mistake("spans or labels of words", tags(WORDS), "'iobes' or 'none'", tags(WORDS, scheme="none")),
    Mistake("two schemes at once", tags(DOUBTFUL), "to 'iob2' or 'iob1' or 'none'", tags(DOUBTFUL, scheme="iob1")),
    Mistake("letters of two schemes", tags("a\tB-X\nb\tE-X\n\nc\tL-X\n"), "mend the tags", tags("a\tB-X\nb\tE-X\n\n")),
    Mistake(
        "another scheme", tags("a\tS-X\nb\tO\n", scheme="iob2"), "leave the reader's scheme out", tags("a\tS-X\nb\tO\n")
    ),
    Mistake("no tag of the scheme", tags(POS, scheme="iob2"), "leave the reader's scheme out", tags(POS)),
    Mistake(
        "a scheme without tags",
        lines({"text": "a b", "label": "x"}, scheme="iob2"),
        "leave it out or name the field",
        lines({"text": "a b", "label": "x"}),
    ),
    Mistake("spans where there are none", scored(POS, "span_f1"), "set token_accuracy", scored(POS, "token_accuracy")),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_the_remedy_of_a_mistake_in_tags_works(mistake, world):
    try_out(mistake, world)
