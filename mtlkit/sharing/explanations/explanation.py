"""An answer, and what was shared on the way to it."""

from dataclasses import dataclass
from typing import Any, final

from mtlkit.sharing.explanations.html import html_table
from mtlkit.sharing.explanations.shared import SharedWith


@final
@dataclass(frozen=True)
class Explanation:
    """Of one text of a task; a notebook shows it as a table.

    `label` and, where the head has one, its `probability`; or `tags`, one for each word.
    """

    task: str
    words: tuple[str, ...]
    shared: SharedWith
    label: str | None = None
    probability: float | None = None
    tags: tuple[str, ...] | None = None

    @property
    def answer(self) -> str:
        """In one line."""
        if self.tags is not None:
            return " ".join(f"{word}/{tag}" for word, tag in zip(self.words, self.tags, strict=True))
        return f"{self.label}" if self.probability is None else f"{self.label} {self.probability:.2f}"

    def to_json(self) -> dict[str, Any]:
        """The record of `mtlkit predict`, and under `shared` all weights as they are."""
        answer = {"label": self.label, "tags": self.tags, "probability": self.probability}
        given = {name: value for name, value in answer.items() if value is not None}
        return {"task": self.task, "words": list(self.words), **given, "shared": self.shared.to_json()}

    def _repr_html_(self) -> str:
        return html_table(f"{self.task}: {self.answer}", self.shared.sheet())
