"""Spans written as tags in every scheme, by the definition of each, for tests."""

import random
from collections.abc import Sequence

from mtlkit.data import Span

SCHEMES = ["iob1", "iob2", "io", "iobes", "bilou", "bmes", "bmewo", "ioe1", "ioe2"]
KINDS = ["A", "B-c"]


def random_spans(generator: random.Random, num_words: int, kinds: Sequence[str] = KINDS) -> list[Span]:
    """Spans that do not overlap, some of which touch, in a text of so many words."""
    found: list[Span] = []
    start = 0
    while start < num_words:
        length = generator.randint(1, 4)
        if start + length <= num_words and generator.random() < 0.6:
            found.append((generator.choice(kinds), start, start + length))
        start += length
    return found


def written(spans: Sequence[Span], num_words: int, scheme: str) -> list[str]:
    """The spans as tags of a scheme, each by its definition."""
    tags = ["O"] * num_words
    ends = {(end, kind) for kind, _, end in spans}
    starts = {(start, kind) for kind, start, _ in spans}
    for kind, start, end in spans:
        follows, is_followed = (start, kind) in ends, (end, kind) in starts
        inside, first, last, only = {
            "iob1": "IBII" if follows else "IIII",
            "iob2": "IBIB",
            "io": "IIII",
            "iobes": "IBES",
            "bilou": "IBLU",
            "bmes": "MBES",
            "bmewo": "MBEW",
            "ioe1": "IIEE" if is_followed else "IIII",
            "ioe2": "IIEE",
        }[scheme]
        letters = only if end - start == 1 else first + inside * (end - start - 2) + last
        if scheme == "iob1" and end - start == 1:
            letters = first
        tags[start:end] = [f"{letter}-{kind}" for letter in letters]
    return tags


def merged(spans: Sequence[Span]) -> list[Span]:
    """The spans, where those of one type that touch are one, since the scheme IO cannot tell them apart."""
    found: list[Span] = []
    for kind, start, end in spans:
        if found and (kind, start) == (found[-1][0], found[-1][2]):
            start = found.pop()[1]
        found.append((kind, start, end))
    return found
