"""The ids of CoNLL-U, which tell words from multiword tokens and empty nodes.

Within a sentence, words are numbered 1, 2, 3 and so on. A row `2-3` gives the surface form of words 2 and 3, and `5.1`
is a node without a surface form, after word 5; neither is a word. See https://universaldependencies.org/format.html.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

NAMES = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
WITH_EMPTY_VALUES = {"FEATS", "DEPS", "MISC"}
"""The columns in which `_` is a value: there are no features, for instance."""
ID = re.compile(r"([0-9]{1,9})(?:([-.])([0-9]{1,9}))?")
FIRST = re.compile(r"1|1-[0-9]+|0\.1")
COUNTED = [str(number) for number in range(1, 513)]


@final
@dataclass
class Numbering:
    """What the ids of one sentence say. `wrong` is the position of an id out of order, with the reason."""

    words: list[int] = field(default_factory=list)
    """The positions of the rows that are words."""
    multiword: int = 0
    empty: int = 0
    wrong: tuple[int, str] | None = None


def begins_a_sentence(first_id: str) -> bool:
    """Whether this may be the id of a sentence's first row."""
    return FIRST.fullmatch(first_id) is not None


def is_counted(ids: Sequence[str]) -> bool:
    """Whether the ids of a sentence are 1, 2, 3 and so on, as most are; False for sentences of more than 512 words."""
    return ids == COUNTED[: len(ids)]


def numbering(ids: Sequence[str]) -> Numbering:
    """Tells the rows of a sentence apart by their ids."""
    found = Numbering()
    range_end = last_empty = 0
    for place, each in enumerate(ids):
        match = ID.fullmatch(each)
        if match is None:
            found.wrong = place, f"`{each}` is no id of CoNLL-U, such as 2, 2-3 or 5.1"
            return found
        start, kind, end = int(match[1]), match[2], int(match[3] or 0)
        due = len(found.words) + 1
        if kind is None and start == due:
            found.words.append(place)
            last_empty = 0
        elif kind == "-" and range_end < start == due and end > start:
            found.multiword += 1
            range_end = end
        elif kind == "." and start == due - 1 and end == last_empty + 1:
            found.empty += 1
            last_empty = end
        else:
            found.wrong = place, f"id {each} where word {due} is due"
            return found
    if range_end > len(found.words):
        found.wrong = len(ids) - 1, f"the sentence ends before word {range_end} of its last multiword token"
    return found
