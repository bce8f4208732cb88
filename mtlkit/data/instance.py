"""One text of one task, as produced by a reader, before tokens are mapped to ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mtlkit.errors import DataError

Target: TypeAlias = str | tuple[str, ...]
"""The value to be predicted: one label for the text, or one tag for each word."""

TargetKind: TypeAlias = Literal["label", "tags"]


BETWEEN_TEXTS = "\N{SYMBOL FOR RECORD SEPARATOR}"
"""The word that stands between the two texts of an instance. An embedder may read it as a mark, not as a word, so no
text may have it.
"""


def check_no_mark(words: Sequence[str]) -> None:
    """Raises DataError if `BETWEEN_TEXTS` is one of the words of a text, which could be taken for two texts."""
    if BETWEEN_TEXTS in words:
        raise DataError(
            f"the word {BETWEEN_TEXTS} stands between the two texts of a pair, and cannot be in a text; remove or "
            "replace it"
        )


@dataclass(frozen=True, slots=True)
class Skipped:
    """Takes the place of a text that a reader leaves out, so that it can be counted."""

    reason: str
    """The reason in a few words that can follow a number of texts, such as "rated 0" or "without words"."""


@dataclass(frozen=True, slots=True)
class StructuralRows:
    """Counts rows of a file that are neither texts nor parts of them, such as those at which documents begin. A reader
    may yield it anywhere.
    """

    kind: str
    """What the rows are, in the plural, such as "document boundaries"."""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Instance:
    """The words of a text and, if known, its target.

    Raises:
        ValueError: there are no words, a word is empty, or the number of tags differs from the number of words.
    """

    words: tuple[str, ...]
    target: Target | None = None

    def __post_init__(self) -> None:
        if not self.words or "" in self.words:
            raise ValueError("an instance needs at least one word, and no word may be empty")
        if isinstance(self.target, tuple) and len(self.target) != len(self.words):
            raise ValueError(f"{len(self.words)} words but {len(self.target)} tags")
