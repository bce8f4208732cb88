"""Marks that stand where a target is missing, as in corpora of which only a part is annotated for a task."""

from collections.abc import Collection, Sequence
from typing import final

from mtlkit.data.instance import Skipped
from mtlkit.data.normalization import Normalization, normalized
from mtlkit.data.tag_schemes.forms import FORMS, OUTSIDE_MARKS, mark_of
from mtlkit.errors import DataError

WITHOUT_TARGET = Skipped("with a missing target")
USUAL = "_"
"""What most often marks a missing target. It can also be a label, so that the user has to say which of both it is."""


@final
class Missing:
    """The setting `missing` of readers.

    Args:
        marks: what marks a missing target, or None if the user has not said it.
        labels: labels that the user has named, which are labels then.
        normalization: the normal form in which marks are compared.
    """

    def __init__(
        self,
        marks: Collection[str] | None = None,
        labels: Collection[str] = (),
        normalization: Normalization = "none",
    ) -> None:
        self._normalization = normalization
        self._marks = None if marks is None else frozenset(map(self._form, marks))
        self._labels = labels

    def __bool__(self) -> bool:
        """Whether anything marks a missing target; one that is absent, as a field of JSON can be, is then missing."""
        return bool(self._marks)

    def assumed(self) -> "Missing":
        """Returns the marks for texts whose targets are not needed: the usual ones if the user has not said any."""
        return self if self._marks is not None else Missing({USUAL, ""}.difference(self._labels))

    def has(self, mark: str) -> bool:
        """Whether the user has said that this marks a missing target."""
        return self._marks is not None and self._form(mark) in self._marks

    def label(self, label: str) -> bool:
        """Whether a label is a mark of a missing one. Raises DataError if it may be, and the user has not said it."""
        if self._marks is None:
            if label.strip() in ("", USUAL) and label not in self._labels:
                raise DataError(_unclear(label.strip(), "the label", "a label"))
            return False
        return self._form(label) in self._marks

    def tags(self, tags: Sequence[str]) -> bool:
        """Whether one of a text's tags is a mark of a missing one.

        Raises:
            DataError: all of them may be, and the user has not said it.
        """
        if self._marks is None:
            if tags[0] == USUAL and all(tag == USUAL for tag in tags) and USUAL not in self._labels:
                raise DataError(_unclear(USUAL, "each tag of the text", "a tag"))
            return False
        return bool(self._marks) and not self._marks.isdisjoint(map(self._form, tags))

    def doubtful(self, tags: Collection[str]) -> str | None:
        """Returns one of a file's tags that may mark a missing one, if the user has not said it; None if there is none.

        It is `_` beside labels of words, or, beside tags of spans, a second mark for words outside of them, such as `-`
        where there is an `O`. As the only one it is taken for the mark of such words.
        """
        if self._marks is not None:
            return None
        outside = OUTSIDE_MARKS.intersection(tags).difference(self._labels)
        inside = [tag for tag in tags if tag not in OUTSIDE_MARKS]
        if not inside or any(all(mark_of(tag, form) for tag in inside) for form in FORMS):
            others = outside.difference("Oo")
            return min(others, default=None) if len(outside) > 1 else None
        return USUAL if USUAL in outside else None

    def _form(self, mark: str) -> str:
        return normalized(mark, self._normalization)


def unclear_tag(mark: str) -> str:
    """What is said of a tag that `Missing.doubtful` has returned, and the remedy."""
    return f"the tag `{mark}` may mark a missing target; {_remedy(mark, 'a tag')}"


def _unclear(mark: str, what: str, kind: str) -> str:
    given = f"`{mark}`" if mark else "empty"
    return f"{what} is {given}, which may mark a missing target; {_remedy(mark, kind)}"


def _remedy(mark: str, kind: str) -> str:
    return f"set the reader's `missing` to ['{mark}'] to leave such texts out, or to [] if it is {kind}"
