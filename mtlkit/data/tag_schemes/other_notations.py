"""Ways of marking spans that are not read, recognised so that their tags are not taken for labels of words."""

import re
from collections import defaultdict
from collections.abc import Iterable

from mtlkit.data.tag_schemes.forms import ROLES, kinds_of

BRACKETED = re.compile(r"[^()\s]*[()].*")
OPENS, CLOSES = re.compile(r"\([^()\s]+"), re.compile(r"[^(]*\)")
INSIDE_BRACKETS = {"*", "-", "_", "O"}
LETTER_WORDS = (
    {"b", "begin", "beg", "start", "first"},
    {"i", "inside", "in", "inner", "mid", "middle", "cont", "continue", "intermediate"},
    {"e", "end", "last", "l"},
    {"s", "single", "singleton", "unit", "u"},
)
"""Words that stand for a letter, by the letter that they stand for."""
PARTS = re.compile(r"[\W_]+")
OUTSIDE = {"O", "o", "0"}
AROUND = "\"'`,;[]<>{}() "
BETWEEN = "|+;,&/ "
"""Signs that may stand between two tags of one word."""


def spans_in_other_notation(labels: Iterable[str]) -> str | None:
    """Returns a tag that seems to mark a word of a span in a notation that is not read; None if none does.

    These are told: brackets, as in the CoNLL shared tasks of 2005 and 2012 (`(PER*`, `*)`); words in place of letters
    (`BEGIN-PER`, `PER-start`); quotes and the like around tags (`"B-PER"`), or a name before them (`Seg=B-x`); several
    tags in one (`B-PER|B-ORG`, `O|O`); and, beside `O`, a letter with anything else than a sign between it and the type
    (`BPER`, `B(PER)`, `B PER`), if one type has two letters.

    Args:
        labels: the tags of a task, which do not mark spans in one of the forms that are read.
    """
    known = list(labels)
    inside = [label for label in known if label not in OUTSIDE]
    return (
        _bracketed(known)
        or _with_words(inside)
        or _of_other_tags(known)
        or (_attached(inside) if len(inside) < len(known) else None)
    )


def _bracketed(labels: list[str]) -> str | None:
    inside = [label for label in labels if label not in INSIDE_BRACKETS]
    if not all(map(BRACKETED.fullmatch, inside)) or not any(map(CLOSES.fullmatch, inside)):
        return None
    return next(filter(OPENS.match, inside), None)


def _with_words(labels: list[str]) -> str | None:
    for at in (0, -1):
        letters: defaultdict[str, set[int]] = defaultdict(set)
        for label in labels:
            parts = [part for part in PARTS.split(label.casefold()) if part]
            places = [place for place, words in enumerate(LETTER_WORDS) if parts and parts[at] in words]
            if len(parts) < 2 or not places:
                break
            letters[" ".join(parts[1:] if at == 0 else parts[:-1])].update(places)
        else:
            if any({0, 1} <= found for found in letters.values()):
                return labels[0]
    return None


def _of_other_tags(labels: list[str]) -> str | None:
    readings = [
        [[label.strip(AROUND)] for label in labels],
        [[label.rpartition("=")[2]] for label in labels],
        *([label.split(sign) for label in labels] for sign in BETWEEN),
    ]
    for tags in readings:
        if tags and all(each in OUTSIDE or kinds_of(each) for parts in tags for each in parts):
            return next((label for label, parts in zip(labels, tags, strict=True) if any(map(kinds_of, parts))), None)
    return None


def _attached(labels: list[str]) -> str | None:
    for is_first in (True, False):
        letters: defaultdict[str, set[str]] = defaultdict(set)
        for label in labels:
            letter, kind = (label[:1], label[1:]) if is_first else (label[-1:], label[:-1])
            if letter not in ROLES or not kind:
                break
            letters[kind].add(letter)
        else:
            if any(len(found) > 1 for found in letters.values()):
                return labels[0]
    return None
