"""Whole corpora: which texts violate their scheme, and the same tags in IOB2.

Letters: N words in total, L labels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.corpus import NO_TARGET, Corpus
from mtlkit.data.tag_schemes.forms import BARE, ROLES, Form, Role, begins, mark_of
from mtlkit.data.tag_schemes.schemes import TagScheme

NO_KIND = -1


@final
@dataclass(frozen=True)
class SpanWords:
    """Every word of a corpus as a word of a span or outside of all."""

    kinds: list[str]
    """The types of spans."""
    role_N: NDArray[np.int8]
    kind_N: NDArray[np.int32]
    """Indices into `kinds`; -1 outside."""
    begins_N: NDArray[np.bool_]
    """Whether the word begins a span."""
    touches_N: NDArray[np.bool_]
    """Whether the word begins a span right after one of the same type."""

    @classmethod
    def of(cls, corpus: Corpus, form: Form) -> Self:
        """Reads a corpus of tags of this form. Tags that are not, and missing ones, are outside all spans."""
        marks = [mark_of(label, form) for label in corpus.labels]
        kinds = list(dict.fromkeys(mark.kind for mark in marks if mark is not None))
        places = {kind: place for place, kind in enumerate(kinds)}
        # The last entry is for the index -1, which stands for a missing tag.
        role_L = np.array([ROLES[mark.letter] if mark else Role.OUTSIDE for mark in [*marks, None]], np.int8)
        kind_L = np.array([places[mark.kind] if mark else NO_KIND for mark in [*marks, None]], np.int32)
        role_N, kind_N = role_L[corpus.targets], kind_L[corpus.targets]
        first = corpus.offsets[:-1]
        before_N = np.append(np.int8(Role.OUTSIDE), role_N[:-1])
        kind_before_N = np.append(np.int32(NO_KIND), kind_N[:-1])
        before_N[first], kind_before_N[first] = Role.OUTSIDE, NO_KIND
        same_N = kind_N == kind_before_N
        begins_N = _BEGINS[before_N, role_N, same_N.astype(np.int8)]
        return cls(kinds, role_N, kind_N, begins_N, begins_N & same_N)

    @property
    def num_spans(self) -> int:
        """The number of spans."""
        return int(self.begins_N.sum())

    def violations(self, scheme: TagScheme) -> NDArray[np.bool_]:
        """Returns which words, (N,), begin or end a span in a way that the scheme does not allow."""
        may_begin, may_end = _table(scheme.may_begin), _table(scheme.may_end)
        inside_N = self.role_N != Role.OUTSIDE
        begins_next_N = np.append(self.begins_N[1:], False)
        ends_N = inside_N & (begins_next_N | ~np.append(inside_N[1:], False))
        # A text's last word ends its span, and is touched by nothing: the next text's first word always begins one.
        touched_N = np.append(self.touches_N[1:], False)
        wrong_begin_N = self.begins_N & ~may_begin[self.role_N, self.touches_N.astype(np.int8)]
        wrong_end_N = ends_N & ~may_end[self.role_N, touched_N.astype(np.int8)]
        return np.asarray(wrong_begin_N | wrong_end_N)


def texts_that_violate(corpus: Corpus, scheme: TagScheme) -> NDArray[np.int64]:
    """Returns the positions of the texts whose tags are not well-formed in their scheme, such as an IOB2 `I-x` that
    continues no span of type x.
    """
    if corpus.target_kind != "tags" or not scheme.marks_spans:
        return np.empty(0, np.int64)
    wrong_N = SpanWords.of(corpus, scheme.form).violations(scheme)
    return np.unique(np.searchsorted(corpus.offsets, np.flatnonzero(wrong_N), side="right") - 1)


def as_iob2(corpus: Corpus, scheme: TagScheme) -> Corpus:
    """Returns the corpus with its tags in IOB2, the letter first; unchanged if they are so already, or mark no spans.

    Spans are read by the rules of conlleval, so that a violation of the scheme loses no span. Tags outside of spans
    stay as they are.
    """
    if corpus.target_kind != "tags" or scheme.is_iob2 or not scheme.marks_spans:
        return corpus
    words = SpanWords.of(corpus, scheme.form)
    names = [f"{letter}-{kind}" if kind != BARE else letter for kind in words.kinds for letter in "BI"]
    outside = [label for label in corpus.labels if mark_of(label, scheme.form) is None]
    labels = {label: number for number, label in enumerate([*outside, *names])}
    kept_L = np.array([*(labels.get(label, NO_TARGET) for label in corpus.labels), NO_TARGET], np.int32)
    in_span_N = len(outside) + 2 * words.kind_N + ~words.begins_N
    targets = np.where(words.role_N == Role.OUTSIDE, kept_L[corpus.targets], in_span_N).astype(np.int32)
    return replace(corpus, labels=list(labels), targets=targets)


def _table(allowed: Callable[..., bool]) -> NDArray[np.bool_]:
    """What a scheme allows, by role and by whether spans touch."""
    return np.array([[allowed(role, touches=touches) for touches in (False, True)] for role in Role])


_BEGINS = np.array(
    [[[begins(before, role, same_kind=same) for same in (False, True)] for role in Role] for before in Role]
)
"""Whether a word begins a span, by the role of the word before it, its own, and whether both have the same type."""
