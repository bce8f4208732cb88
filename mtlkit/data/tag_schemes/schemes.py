"""The schemes by name, and which tags are well-formed in each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, final, get_args

from mtlkit.data.tag_schemes.forms import FORMS, HOUSE_FORM, Form, Role

SchemeName = Literal["iob1", "iob2", "iobes", "bilou", "bioul", "bmes", "bmewo", "ioe1", "ioe2", "io", "none"]
"""The name of a scheme; `bioul` is another name of `bilou`, and under `none` tags mark no spans."""

SchemeSetting = Literal[
    "auto", "iob1", "iob2", "iobes", "bilou", "bioul", "bmes", "bmewo", "ioe1", "ioe2", "io", "none"
]
"""The name of a scheme, or `auto`, which recognises it from the tags."""

LETTERS: dict[SchemeName, str] = {
    "iob2": "BI",
    "io": "I",
    "iob1": "BI",
    "iobes": "BIES",
    "bilou": "BILU",
    "bioul": "BILU",
    "bmes": "BMES",
    "bmewo": "BMEW",
    "ioe2": "IE",
    "ioe1": "IE",
    "none": "",
}
"""The letters of each scheme. Of several schemes that fit some tags equally, the first is recognised."""

RECOGNISED: tuple[SchemeName, ...] = ("iob2", "io", "iob1", "iobes", "bilou", "bmes", "bmewo", "ioe2", "ioe1")


@final
@dataclass(frozen=True)
class TagScheme:
    """The scheme of a task's tags and the form in which the tags are written.

    All schemes read well-formed tags by the same rules (see `forms.begins`); they differ in which tags are well-formed.
    """

    name: SchemeName
    form: Form = HOUSE_FORM

    @property
    def title(self) -> str:
        """The name as it is usually printed, such as `IOB2`."""
        return "no scheme" if self.name == "none" else self.name.upper()

    @property
    def letters(self) -> frozenset[str]:
        """The letters that tags of the scheme may have."""
        return frozenset(LETTERS[self.name])

    @property
    def marks_spans(self) -> bool:
        """Whether tags mark spans at all."""
        return self.name != "none"

    @property
    def is_iob2(self) -> bool:
        """Whether the tags are IOB2 as the rest of mtlkit expects it, with the letter first."""
        return self.name == "iob2" and self.form in (HOUSE_FORM, "B")

    def __str__(self) -> str:
        if not self.marks_spans:
            return "no spans"
        form = "" if self.form == HOUSE_FORM else f" in the form {self.form}"
        return f"{self.title}{form}" + ("" if self.is_iob2 else ", read as IOB2")

    def may_begin(self, role: Role, *, touches: bool) -> bool:
        """Whether a span may begin with this role.

        Args:
            role: the role of the span's first word.
            touches: whether the word before it ends a span of the same type.
        """
        if self.name in ("iob1", "io"):
            return role == (Role.BEGIN if touches else Role.INSIDE)
        if self.name in ("ioe1", "ioe2"):
            return role in (Role.INSIDE, Role.END)
        return role in (Role.BEGIN, Role.SINGLE)

    def may_end(self, role: Role, *, touches: bool) -> bool:
        """Whether a span may end with this role.

        Args:
            role: the role of the span's last word.
            touches: whether the word after it begins a span of the same type.
        """
        if self.name in ("iob1", "iob2", "io"):
            return True
        if self.name == "ioe1":
            return (role == Role.END) == touches
        return role in (Role.END, Role.SINGLE)

    def to_json(self) -> dict[str, str]:
        """The scheme as a JSON object, for `vocabulary.json`."""
        return {"name": self.name, "form": self.form}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Self:
        """Reads what `to_json` returned. Raises ValueError or LookupError if it is anything else."""
        name, form = value["name"], value["form"]
        if name not in get_args(SchemeName) or form not in FORMS:
            raise ValueError(f"no tag scheme is {name!r} in the form {form!r}")
        return cls(name, form)


NO_SPANS = TagScheme("none")
