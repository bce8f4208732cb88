"""How a tag is written: the letter that marks a word's place in its span, before or after the span's type."""

from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from typing import Literal, NamedTuple, get_args

BARE = ""
"""The type of a span whose tags are a letter alone, such as `B`."""

Form = Literal[
    "B-x", "B_x", "B:x", "B.x", "B/x", "B|x", "x-B", "x_B", "x:B", "x.B", "x/B", "x|B",
    "b-x", "b_x", "b:x", "b.x", "b/x", "b|x", "x-b", "x_b", "x:b", "x.b", "x/b", "x|b", "B", "b",
]  # fmt: skip
"""The form of a task's tags, shown as the tag of a word that begins a span of type x."""

HOUSE_FORM: Form = "B-x"
FORMS: tuple[Form, ...] = get_args(Form)


class Role(IntEnum):
    """The place of a word in its span, as its tag says."""

    OUTSIDE = 0
    BEGIN = 1
    INSIDE = 2
    END = 3
    SINGLE = 4


ROLES = {
    "B": Role.BEGIN,
    "I": Role.INSIDE,
    "M": Role.INSIDE,
    "E": Role.END,
    "L": Role.END,
    "S": Role.SINGLE,
    "U": Role.SINGLE,
    "W": Role.SINGLE,
}
"""The roles of the letters in all schemes; none has two meanings."""

OUTSIDE_MARKS = frozenset({"O", "o", "0", "_", "-", "-X-"})
"""Tags that stand for "outside all spans" in the files of some makers; any other tag without a letter is suspicious."""


class Mark(NamedTuple):
    """A tag that marks a word of a span: its letter in upper case, and the span's type."""

    letter: str
    kind: str


def mark_of(tag: str, form: Form) -> Mark | None:
    """Returns what a tag of this form says, or None if the tag is not of this form."""
    if len(form) == 1:
        letter, kind = tag, BARE
    elif form[0] == "x":
        kind, _, letter = tag.rpartition(form[1])
    else:
        letter, _, kind = tag.partition(form[1])
    if len(form) > 1 and not kind:
        return None
    is_lower = form[-1 if form[0] == "x" else 0] == "b"
    return Mark(letter.upper(), kind) if letter in (_LOWER if is_lower else ROLES) else None


_LOWER = {letter.lower() for letter in ROLES}


@cache
def kinds_of(tag: str) -> tuple[str, ...]:
    """Returns the types that a tag has in the forms in which it marks a word of a span; none for `O` and `DET`."""
    return tuple(dict.fromkeys(mark.kind for form in FORMS if (mark := mark_of(tag, form)) is not None and mark.kind))


@cache
def role_of(tag: str) -> tuple[Role, str]:
    """Returns the role and the type of a tag that has its letter first: `B-x`, or `B` alone, whose type is empty.

    Any other tag is outside all spans.
    """
    letter, _, kind = tag.partition("-")
    role = ROLES.get(letter, Role.OUTSIDE)
    return role, kind if role else BARE


def begins(before: Role, role: Role, *, same_kind: bool) -> bool:
    """Whether a word begins a span, given the role of the word before it, and whether both have the same type.

    The rules are those of conlleval.pl, to which the letters for spans of a single word are added: a word that
    continues nothing begins a span, and the types of a span's words are the same. They read well-formed tags of every
    scheme as that scheme does.
    """
    if role == Role.OUTSIDE:
        return False
    closed = before in (Role.OUTSIDE, Role.END, Role.SINGLE)
    return closed or role in (Role.BEGIN, Role.SINGLE) or not same_kind


def has_span_tags(labels: Iterable[str]) -> bool:
    """Whether any of these tags, with the letter first, marks a word of a span."""
    return any(role_of(label)[0] for label in labels)
