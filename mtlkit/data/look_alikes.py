"""Labels that look the same, though they are different strings."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations

from mtlkit.text import on_one_line

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
"""Characters that are not seen: marks of byte order, joiners, variation selectors, fillers and controls, but no white
space.
"""
QUOTED = re.compile(r"""(["'])(.+)\1""")
DASHES_AND_QUOTES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-") | {0x2018: "'", 0x2019: "'"}
FOREIGN_LETTERS = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u03bf\u039f\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u03a1\u03a4\u03a5\u03a7",
    "aeopcyxijsABEKMHOPCTYXIJSoOABEZHIKMNPTYX",
)
"""Cyrillic and Greek letters that look like Latin ones."""

CASE = "letter case"
STEPS: dict[str, Callable[[str], str]] = {
    "white space": lambda label: " ".join(label.split()),
    "invisible characters": lambda label: INVISIBLE.sub("", label),
    "Unicode normal form": lambda label: unicodedata.normalize("NFKC", label),
    "quotes around them": lambda label: QUOTED.sub(r"\2", label) if QUOTED.fullmatch(label) else label,
    "the kind of dashes or apostrophes": lambda label: label.translate(DASHES_AND_QUOTES),
    "letters of another alphabet": lambda label: label.translate(FOREIGN_LETTERS),
    # With the Turkish letters, of which a capital I without a dot is the same as in English.
    CASE: lambda label: label.casefold().replace("i\u0307", "i").replace("\u0131", "i"),
}
"""What each difference is called, and what removes it."""
SEEN_IN_SIGNS = ("white space", "invisible characters")
"""The steps for tags without a letter or digit: some tag sets have tags that are dashes, quotes or dots."""
NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
SEPARATORS = re.compile(r"[\s_.:/-]+")


def look_alikes(labels: Iterable[str], *, of_texts: bool = False) -> list[list[str]]:
    """Returns the groups of two and more distinct labels that look the same but for letter case, in the order given.

    Labels without a letter or digit, such as two kinds of dashes, may be different tags; labels `of_texts` are not.
    """
    return _groups(labels, lambda label: _without(STEPS, label, of_texts))


def written_alike(labels: Iterable[str]) -> list[list[str]]:
    """Returns the groups of two and more distinct labels that do not look the same, but may be meant to be: they differ
    in what separates their words, as `very_good` and `very-good`, or are the same number, as `1` and `1.0`.
    """
    groups = _groups(labels, _without_separators)
    return [group for group in groups if len({_without(STEPS, label) for label in group}) > 1]


def difference(labels: Iterable[str], *, of_texts: bool = False) -> str:
    """Returns by what alone the labels of a group of `look_alikes` differ, such as "white space"."""
    group = list(labels)
    for count in range(1, len(STEPS) + 1):
        for names in combinations(STEPS, count):
            if len({_without(names, label, of_texts) for label in group}) == 1:
                return " and ".join(names)
    raise ValueError(f"do not look the same: {group}")


def _groups(labels: Iterable[str], form: Callable[[str], str]) -> list[list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in dict.fromkeys(labels):
        groups[form(label)].append(label)
    return [group for group in groups.values() if len(group) > 1]


def seen(label: str) -> str:
    """Returns what is seen of a label: it without invisible characters, and without white space around it."""
    return _without(SEEN_IN_SIGNS, label)


def shown(label: str) -> str:
    """Returns a label between quotes, with escapes where it could be taken for another one."""
    looks_latin = not label.isascii() and label.translate(FOREIGN_LETTERS).translate(DASHES_AND_QUOTES).isascii()
    is_plain = unicodedata.is_normalized("NFKC", seen(label)) and not looks_latin
    return f"'{on_one_line(label if is_plain else ascii(label)[1:-1])}'"


def _without_separators(label: str) -> str:
    if NUMBER.fullmatch(label.strip()):
        return f"number {float(label)}"
    # Without a letter, they may be dates or versions, where separators count.
    return SEPARATORS.sub("", label).casefold() if any(map(str.isalpha, label)) else label


def _without(names: Iterable[str], label: str, of_texts: bool = False) -> str:
    """Returns a label without these differences."""
    is_word = any(map(str.isalnum, label)) or of_texts
    for name in names:
        if is_word or name in SEEN_IN_SIGNS:
            label = STEPS[name](label)
    return label.strip() if "white space" in names else label  # again, for what invisible characters hid
