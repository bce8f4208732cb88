"""Texts whose labels are not labels: a header row, label and text in each other's place, ids in front, a label each.

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
"""From this number of texts on, it is not by chance that each has a label of its own."""
FEWEST_FOR_HEADER = 10
"""From this number of texts on, a label that only the first text has is odd."""
MOST_LABELS_AFTER_IDS = 20
"""More different first words than this are those of texts."""
FEWEST_SWAPPED = 5
FEWEST_IDS = 10
TEXTS_OF_AN_ID = 5
"""Ids that are numbers are told from ratings by being many, and having no more texts each than this on average."""
SHARE_OF_OWN_LABELS = 0.9
NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
SHARE_OF_QUOTED = 0.9
SHOWN = 50


def mistaken_columns(corpus: Corpus, *, are_known: bool = False) -> tuple[str, str] | None:
    """Returns the evidence that the labels of a split, as read from its file, are not labels, and the remedy; None if
    there is no such evidence.

    Evidence is: a first text and label that are names of columns, or several that are, where files were joined;
    labels of which there are three times as many as different texts (or different first words of texts, where ids
    precede the labels); a label of its own for nine in ten of 20 or more texts; and, of tagged texts, words that are
    all tags of spans, where the tags are not. Where labels are compared with known ones, ids and a label per text are
    not evidence, since a test file may have one text of each of many labels.
    """
    if not len(corpus):
        return None
    if corpus.target_kind == "tags":
        return _tags_as_words(corpus)
    if header := _header(corpus) or _header_further_down(corpus):
        return header, "remove it"
    return _labels_of_texts(corpus, are_known)


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


def odd_columns(corpus: Corpus, *, are_known: bool = False) -> str | None:
    """Returns a sign that the labels of a split, or the beginnings of its texts, are other columns of its file.

    None if there is none. Signs are, in 20 texts or more: more labels than half of them, where labels are not compared
    with known ones, and a number at the beginning of each.
    """
    if corpus.target_kind != "label" or len(corpus) < FEWEST_TEXTS:
        return None
    labels = corpus.label_counts()
    if len(labels) > len(corpus) / 2 and not are_known:
        counts = f"{len(labels):,} labels, such as '{printable(next(iter(labels)), SHOWN)}', for {len(corpus):,} texts"
        return f"has {counts}; see that it is labels that are read as labels"
    first = np.unique(_first_words(corpus)).tolist()
    if all(NUMBER.fullmatch(corpus.forms[word]) for word in first):
        shown = corpus.forms[first[0]]
        return f"each text begins with a number, such as '{shown}'; remove it from the file if it is an id or a label"
    return None


def _header(corpus: Corpus) -> str | None:
    first = corpus.instance(0)
    if not isinstance(first.target, str):
        return None
    one_is_name = any(names_column(cell) for cell in (first.target, *first.words))
    if is_header(first.target, first.words) or (one_is_name and odd_first_text(corpus)):
        return _described(corpus, 0)
    return None


def _header_further_down(corpus: Corpus) -> str | None:
    """Finds a header row inside a file: its label is the name of a column, and no other text has it."""
    for label, count in corpus.label_counts().items():
        if names_column(label) and count <= len(corpus) / FEWEST_FOR_HEADER:
            indices = np.flatnonzero(corpus.targets == corpus.labels.index(label)).tolist()
            if all(is_header(label, corpus.instance(index).words) for index in indices):
                return f"{_described(corpus, indices[0])}, as where files were joined"
    return None


def _described(corpus: Corpus, index: int) -> str:
    instance = corpus.instance(index)
    text, label = printable(" ".join(instance.words), SHOWN), printable(str(instance.target), SHOWN)
    return f"text {int(corpus.places[index]) + 1}, '{text}' with label '{label}', looks like a header row"


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


def _labels_of_texts(corpus: Corpus, are_known: bool) -> tuple[str, str] | None:
    labels = corpus.label_counts()
    num_texts, num_labels = len(corpus), len(labels)
    with_blanks = sum(count for label, count in labels.items() if " " in label.strip())
    are_texts = with_blanks > num_texts / 2
    are_numbers = num_labels >= max(FEWEST_IDS, num_texts / TEXTS_OF_AN_ID) and all(map(str.isdecimal, labels))
    if num_labels > num_texts / 2 or are_texts or are_numbers:
        shown = printable(next(iter(labels)), SHOWN)
        # Labels that are longer than their texts need not be that many more.
        are_longer = are_texts and sum(len(label.split()) for label in labels) / num_labels > corpus.lengths.mean()
        most = num_labels / 1.5 if are_longer and num_texts >= FEWEST_SWAPPED else num_labels / 3
        if 2 <= (num_different := len(np.unique(corpus.digests))) <= most:
            counts = f"{num_labels:,} labels, such as '{shown}', for {num_different:,} different texts"
            return f"has {counts}, as if label and text had changed places", "exchange them"
        if are_known:
            return None
        if not are_texts and 2 <= len(np.unique(_first_words(corpus))) <= min(num_labels / 3, MOST_LABELS_AFTER_IDS):
            return f"labels such as '{shown}' look like ids, and first words of texts like labels", "remove the ids"
        if num_texts >= FEWEST_TEXTS and num_labels >= SHARE_OF_OWN_LABELS * num_texts:
            remedy = "see that it is labels that are read as labels"
            if num_labels < num_texts:
                return f"has {num_labels:,} labels, such as '{shown}', for {num_texts:,} texts", remedy
            return f"each of the {num_texts:,} texts has a label of its own, such as '{shown}'", remedy
    return None


def _first_words(corpus: Corpus) -> NDArray[np.int32]:
    return corpus.tokens[corpus.offsets[:-1]]


def quoted_texts(corpus: Corpus) -> int:
    """Returns how many texts stand between double quotes as CSV files have them, or 0 if it may be chance.

    They are told by a double quote that is written twice inside, or by being most of the texts.
    """
    if not len(corpus) or '"' not in "".join(corpus.forms):
        return 0
    begins = np.array([form.startswith('"') for form in corpus.forms])[_first_words(corpus)]
    ends = np.array([form.endswith('"') for form in corpus.forms])[corpus.tokens[corpus.offsets[1:] - 1]]
    wrapped = begins & ends
    twice = np.array([len(form) > 2 and '""' in form for form in corpus.forms])[corpus.tokens]
    doubled = wrapped & (np.add.reduceat(twice, corpus.offsets[:-1]) > 0)
    are_most = wrapped.sum() >= max(2, SHARE_OF_QUOTED * len(corpus))
    return int(wrapped.sum() if are_most else doubled.sum())
