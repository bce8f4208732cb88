"""Spans of single sequences of tags, each with its letter first, as predictions and targets have them."""

from collections.abc import Iterable, Sequence

from mtlkit.data.tag_schemes.forms import Role, begins, role_of
from mtlkit.data.tag_schemes.schemes import LETTERS, SchemeName, TagScheme

Span = tuple[str, int, int]
"""The type of a span, its first word, and the word after its last."""


def spans(tags: Iterable[str]) -> list[Span]:
    """Returns the spans of a sequence of tags, well-formed or not, in order.

    The tags may be of any scheme: B begins a span, I and M continue one, E and L end one, and S, U and W are spans of a
    single word. As in conlleval, a tag that continues no span of its type begins one, and a tag without such a letter
    is outside all spans.
    """
    found: list[Span] = []
    opened: tuple[str, int] | None = None
    before, kind_before = role_of("O")
    for position, tag in enumerate((*tags, "O")):
        role, kind = role_of(tag)
        begun = begins(before, role, same_kind=kind == kind_before)
        if opened is not None and (begun or role == Role.OUTSIDE):
            found.append((*opened, position))
            opened = None
        if begun:
            opened = kind, position
        before, kind_before = role, kind
    return found


def strict_spans(tags: Sequence[str], scheme: SchemeName = "iob2") -> list[Span]:
    """Returns the spans of a sequence of tags that are well-formed in a scheme, in order; others do not count.

    They are those of seqeval's strict mode, except for `iob1` and `ioe1`, for which seqeval reads some malformed spans
    in another way.

    Raises:
        ValueError: a tag has a letter that is not one of the scheme's.
    """
    known = TagScheme(scheme)
    letters = {tag.partition("-")[0] for tag in tags if role_of(tag)[0]}
    if unknown := sorted(letters - known.letters):
        raise ValueError(
            f"'{unknown[0]}' is not a letter of {known.title}; its letters are {', '.join(LETTERS[scheme])}"
        )
    found = spans(tags)
    ends = {end: kind for kind, _, end in found}
    starts = {start: kind for kind, start, _ in found}
    return [
        (kind, start, end)
        for kind, start, end in found
        if known.may_begin(role_of(tags[start])[0], touches=ends.get(start) == kind)
        and known.may_end(role_of(tags[end - 1])[0], touches=starts.get(end) == kind)
    ]
