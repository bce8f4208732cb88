"""Texts whose labels are no labels: a header row, label and text in each other's place, ids in front, a label each.

All is told from what was read, so that it holds for every reader.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.corpus import Corpus
from mtlkit.data.tag_schemes.forms import OUTSIDE_MARKS, kinds_of
from mtlkit.text import printable

WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+")
LABELS = set(
    WORD.findall(
        "annotation category categories class classes emotion genre gold intent label labels lang language polarity "
        "rating ratings score sentiment stance star stars tag tags target targets topic y"
    )
)
OTHERS = set(WORD.findall("author date domain guid id ids idx index nr number row source split uid user"))
TEXTS = set(
    WORD.findall(
        "body comment comments content contents description doc document documents headline input message paragraph "
        "phrase post query question raw review reviews sentence sentences sms snippet string summary text texts title "
        "tokens tweet tweets utterance words x"
    )
)
"""Words of which the names of columns consist: those of labels, of ids and the like, and of texts."""
FEWEST_TEXTS = 20
"""From this number of texts on, it is no chance that each has a label of its own."""
FEWEST_FOR_HEADER = 10
"""From this number of texts on, a label that only the first text has is odd."""
MOST_LABELS_AFTER_IDS = 20
"""More different first words than this are those of texts."""
SHARE_OF_QUOTED = 0.9
SHOWN = 50


def mistaken_columns(corpus: Corpus) -> tuple[str, str] | None:
    """Returns what shows that the labels of a split, as read from its file, are no labels, and the remedy; None if
    nothing does.

    These are told: a first text and label that are names of columns; labels of which there are three times as many as
    different texts (or different first words of texts, where ids precede the labels); a label of its own for each of 20
    or more texts; and, of tagged texts, words that are all tags of spans, where the tags are not.
    """
    if not len(corpus):
        return None
    if corpus.target_kind == "tags":
        return _tags_as_words(corpus)
    if header := _header(corpus):
        return header, "remove it"
    return _labels_of_texts(corpus)


def _tags_as_words(corpus: Corpus) -> tuple[str, str] | None:
    inside = [form for form in corpus.forms if form not in OUTSIDE_MARKS]
    if not inside or not all(map(kinds_of, inside)) or any(map(kinds_of, corpus.labels)):
        return None
    what = (
        f"each word looks like a tag, such as '{printable(inside[0], SHOWN)}', as if words and tags had changed places"
    )
    return what, "exchange them"


def odd_first_text(corpus: Corpus) -> str | None:
    """Returns the label and the text of a first text that may be a header row, though it need not: a text of one word,
    with a label that no other text has, where all other labels occur more often. None if it is not so.
    """
    if corpus.target_kind != "label" or len(corpus) < FEWEST_FOR_HEADER or corpus.lengths[0] > 1:
        return None
    first, counts = corpus.instance(0), corpus.label_counts()
    if not isinstance(first.target, str) or list(counts.values()).count(1) > 1 or counts[first.target] != 1:
        return None
    return f"label '{printable(first.target, SHOWN)}', text '{printable(first.words[0], SHOWN)}'"


def _header(corpus: Corpus) -> str | None:
    first = corpus.instance(0)
    if not isinstance(first.target, str):
        return None
    one_is_name = any(names_column(cell) for cell in (first.target, *first.words))
    if is_header(first.target, first.words) or (one_is_name and odd_first_text(corpus)):
        text = printable(" ".join(first.words), SHOWN)
        number = int(corpus.places[0]) + 1
        return f"text {number}, '{text}' with label '{printable(first.target, SHOWN)}', looks like a header row"
    return None


def is_header(label: str, words: Sequence[str]) -> bool:
    """Returns whether a label and the words of its text are names of columns, and one is that of a label or an id."""
    names = set().union(*map(_names, (label, *words)))
    return all(map(names_column, (label, *words))) and not names.isdisjoint(LABELS | OTHERS) and len(names) > 1


def names_column(cell: str) -> bool:
    """Returns whether a cell consists of words of which names of columns consist, as in `review_text`."""
    names = _names(cell)
    return bool(names) and names <= LABELS | OTHERS | TEXTS


def _names(cell: str) -> set[str]:
    return {part.casefold() for part in WORD.findall(cell)}


def _labels_of_texts(corpus: Corpus) -> tuple[str, str] | None:
    labels = corpus.label_counts()
    num_texts, num_labels = len(corpus), len(labels)
    with_blanks = sum(count for label, count in labels.items() if " " in label.strip())
    are_texts = with_blanks > num_texts / 2
    if num_labels > num_texts / 2 or are_texts:
        shown = printable(next(iter(labels)), SHOWN)
        if 2 <= (num_different := len(np.unique(corpus.digests))) <= num_labels / 3:
            counts = f"{num_labels:,} labels, such as '{shown}', for {num_different:,} different texts"
            return f"has {counts}, as if label and text had changed places", "exchange them"
        if not are_texts and 2 <= len(np.unique(_first_words(corpus))) <= min(num_labels / 3, MOST_LABELS_AFTER_IDS):
            return f"labels such as '{shown}' look like ids, and first words of texts like labels", "remove the ids"
        if num_labels == num_texts >= FEWEST_TEXTS:
            remedy = "see that it is labels that are read as labels"
            return f"each of the {num_texts:,} texts has a label of its own, such as '{shown}'", remedy
    return None


def _first_words(corpus: Corpus) -> NDArray[np.int32]:
    return corpus.tokens[corpus.offsets[:-1]]


def quoted_texts(corpus: Corpus) -> int:
    """Returns how many texts stand between double quotes as CSV files have them, or 0 if it may be chance.

    They are told by a double quote that is written twice inside, or by being most of the texts.
    """
    if not len(corpus):
        return 0
    begins = np.array([form.startswith('"') for form in corpus.forms])[_first_words(corpus)]
    ends = np.array([form.endswith('"') for form in corpus.forms])[corpus.tokens[corpus.offsets[1:] - 1]]
    wrapped = begins & ends
    twice = np.array([len(form) > 2 and '""' in form for form in corpus.forms])[corpus.tokens]
    doubled = wrapped & (np.add.reduceat(twice, corpus.offsets[:-1]) > 0)
    are_most = wrapped.sum() >= max(2, SHARE_OF_QUOTED * len(corpus))
    return int(wrapped.sum() if are_most else doubled.sum())
