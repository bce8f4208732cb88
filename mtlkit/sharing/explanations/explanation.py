"""The answer to a text, with what was shared to reach it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from mtlkit.sharing.explanations.html import html_table
from mtlkit.sharing.explanations.shared import SharedWith


@final
@dataclass(frozen=True)
class Explanation:
    """The answer to one text of a task, and what was shared to reach it. Notebooks show it as a table.

    Attributes:
        task: the task that answered.
        words: the words of the text.
        shared: what was shared, in the form of the sharing scheme.
        label: the predicted label; None where words are tagged.
        probability: the probability of the label; None where the head gives none.
        tags: the predicted tags, one for each word; None where texts are labelled.
        number: the number of the text among those that were given, from 1.
        fields: the fields of the text, given as a JSON object, that the task's reader does not read, such as an id.
    """

    task: str
    words: tuple[str, ...]
    shared: SharedWith
    label: str | None = None
    probability: float | None = None
    tags: tuple[str, ...] | None = None
    number: int = 1
    fields: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def answer(self) -> str:
        """The answer on one line: a label with its probability, or words with their tags."""
        if self.tags is not None:
            return " ".join(f"{word}/{tag}" for word, tag in zip(self.words, self.tags, strict=True))
        return f"{self.label}" if self.probability is None else f"{self.label} {self.probability:.2f}"

    def to_json(self) -> dict[str, Any]:
        """The record that `mtlkit predict` writes, with everything that was shared under `shared`."""
        answer = {"label": self.label, "tags": self.tags, "probability": self.probability}
        given = {name: value for name, value in answer.items() if value is not None}
        return {
            "task": self.task,
            "number": self.number,
            **self.fields,
            "words": list(self.words),
            **given,
            "shared": self.shared.to_json(),
        }

    def _repr_html_(self) -> str:
        return html_table(f"{self.task}: {self.answer}", self.shared.sheet())
