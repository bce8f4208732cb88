"""Spans of tags, beside seqeval's strict mode, the rules of conlleval.pl, and the spans that were written."""

import random
from typing import Any

import pytest

from mtlkit.data import Span, spans, strict_spans
from mtlkit.data.tag_schemes.schemes import LETTERS, SchemeName
from mtlkit.metrics import SpanF1
from tests.data.tag_schemes.writing import KINDS, SCHEMES, merged, random_spans, written

NUM_SEQUENCES = 10_000


def end_of_chunk(before: str, tag: str, kind_before: str, kind: str) -> bool:
    """endOfChunk of conlleval.pl, with the letter S as its translations have it."""
    if before in "ES" or (before == "B" and tag in "BSO") or (before == "I" and tag in "BSO"):
        return before != "O"
    return before != "O" and kind_before != kind


def start_of_chunk(before: str, tag: str, kind_before: str, kind: str) -> bool:
    """startOfChunk of conlleval.pl, with the letter S as its translations have it."""
    if tag in "BS" or (before in "ESO" and tag in "EI"):
        return True
    return tag != "O" and kind_before != kind


def conlleval(tags: list[str]) -> list[Span]:
    found: list[Span] = []
    start, before, kind_before = 0, "O", ""
    for position, tag in enumerate([*tags, "O"]):
        letter, _, kind = tag.partition("-")
        if end_of_chunk(before, letter, kind_before, kind):
            found.append((kind_before, start, position))
        if start_of_chunk(before, letter, kind_before, kind):
            start = position
        before, kind_before = letter, kind
    return found


def any_tags(generator: random.Random, letters: str) -> list[str]:
    known = ["O", *(f"{letter}-{kind}" for letter in letters for kind in KINDS)]
    return generator.choices(known, k=generator.randint(1, 10))


@pytest.mark.parametrize("letters", ["BI", "IE", "BIES"])
def test_spans_of_any_tags_are_those_of_conlleval(letters: str) -> None:
    generator = random.Random(letters)
    for _ in range(NUM_SEQUENCES):
        tags = any_tags(generator, letters)
        assert spans(tags) == conlleval(tags), tags


@pytest.mark.parametrize(("letters", "same"), [("BILU", "BIES"), ("BMES", "BIES"), ("BMEW", "BIES")])
def test_letters_with_one_meaning_are_read_alike(letters: str, same: str) -> None:
    generator = random.Random(letters)
    for _ in range(NUM_SEQUENCES):
        tags = any_tags(generator, letters)
        translated = [tag.translate(str.maketrans(letters, same)) if tag[1:2] == "-" else tag for tag in tags]
        translated = [one[0] + other[1:] for one, other in zip(translated, tags, strict=True)]
        assert spans(tags) == conlleval(translated), tags


@pytest.mark.parametrize("scheme", ["iob2", "ioe2", "iobes", "bilou"])
def test_strict_spans_of_any_tags_are_those_of_seqeval(scheme: SchemeName) -> None:
    known = getattr(pytest.importorskip("seqeval.scheme"), scheme.upper())
    generator = random.Random(scheme)
    for _ in range(NUM_SEQUENCES):
        tags = any_tags(generator, LETTERS[scheme])
        assert strict_spans(tags, scheme) == seqeval_spans(tags, known), tags


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_of_well_formed_tags_are_those_that_were_written(scheme: SchemeName) -> None:
    generator = random.Random(scheme)
    known: Any = getattr(pytest.importorskip("seqeval.scheme"), scheme.upper(), None)
    for _ in range(NUM_SEQUENCES):
        num_words = generator.randint(1, 12)
        expected = random_spans(generator, num_words)
        if scheme == "io":
            expected = merged(expected)
        tags = written(expected, num_words, scheme)
        assert spans(tags) == expected, tags
        assert strict_spans(tags, scheme) == expected, tags
        if known is not None and scheme != "ioe1":  # seqeval says of its IOE1 that it cannot handle some cases
            assert seqeval_spans(tags, known) == expected, tags


def seqeval_spans(tags: list[str], scheme: Any) -> list[Span]:
    from seqeval.scheme import Tokens

    return [(entity.tag, entity.start, entity.end) for entity in Tokens(tags, scheme).entities]


@pytest.mark.parametrize("last", ["E", "L"])
@pytest.mark.parametrize("only", ["S", "U", "W"])
def test_a_span_that_is_not_found_is_missed(last: str, only: str) -> None:
    metric = SpanF1()
    metric.update([("B-A", f"{last}-A", "O")], [("B-A", f"{last}-A", f"{only}-B")])
    assert metric.compute() == {"f1": pytest.approx(2 / 3), "precision": 1.0, "recall": 0.5}


def test_a_letter_of_another_scheme_is_refused_where_spans_are_strict() -> None:
    with pytest.raises(ValueError, match="'S' is not a letter of IOB2; its letters are B, I"):
        strict_spans(["S-A"], "iob2")
