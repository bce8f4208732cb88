"""One text of one task, as a reader gives it and before any token has a number."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Target: TypeAlias = str | tuple[str, ...]
"""What is to be predicted: one label for the text, or one tag for each word."""

TargetKind: TypeAlias = Literal["label", "tags"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Stands where a reader leaves a text of the file out, so that it can be counted."""

    reason: str
    """In a few words that complete "left out, as": "it has no words"."""


@dataclass(frozen=True, slots=True)
class Instance:
    """The words of a text and, where it is known, its target.

    Raises ValueError for what no reader may give: no words, an empty word, or tags that do not match the words.
    """

    words: tuple[str, ...]
    target: Target | None = None

    def __post_init__(self) -> None:
        if not self.words or "" in self.words:
            raise ValueError("an instance needs at least one word, and no word may be empty")
        if isinstance(self.target, tuple) and len(self.target) != len(self.words):
            raise ValueError(f"{len(self.words)} words but {len(self.target)} tags")
