"""Marks that stand where a target is missing, as in corpora of which only a part is annotated for a task."""

from collections.abc import Collection, Sequence
from typing import final

from mtlkit.data.instance import Skipped
from mtlkit.data.normalization import Normalization, normalized
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

    def _form(self, mark: str) -> str:
        return normalized(mark, self._normalization)


def _unclear(mark: str, what: str, kind: str) -> str:
    given = f"`{mark}`" if mark else "empty"
    remedy = f"set the reader's `missing` to ['{mark}'] to leave such texts out, or to [] if it is {kind}"
    return f"{what} is {given}, which may mark a missing target; {remedy}"
