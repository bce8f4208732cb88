"""Settings in words: what a reader of documentation wants to know of a schema."""

import inspect
import json
import re
from dataclasses import dataclass
from typing import Any

from mtlkit.config.component import Component
from mtlkit.config.json_schema import schema_of
from mtlkit.config.spec import Spec


@dataclass(frozen=True)
class SettingDescription:
    """One key of a section."""

    name: str
    kind: str
    """`integer > 0`, `encoder`, `list of metric`, `'last' | 'mean'` ..."""
    default: str | None
    """As JSON; None where the setting must be given."""
    meaning: str = ""
    """The docstring below the attribute; a component describes its settings in its own."""


def summary(component: type[Component] | type[Spec]) -> str:
    """The first sentence of the docstring. No sentence ends before a figure or a small letter: `eqs. 3-6`."""
    text = " ".join(inspect.cleandoc(component.__doc__ or "").split("\n\n")[0].split())
    sentence: str = re.split(r"\. (?=[A-Z])", text)[0]
    return sentence.rstrip(".") + "."


def settings_of(section: type[Spec]) -> list[SettingDescription]:
    """Every setting of a section, in the order of its definition."""
    schema = schema_of(section)
    required = schema.get("required", [])
    return [
        SettingDescription(
            name,
            _kind(part),
            default=None if name in required else json.dumps(part.get("default")),
            meaning=" ".join(part.get("description", "").split()),
        )
        for name, part in schema["properties"].items()
        if name != "type"
    ]


def _kind(part: dict[str, Any]) -> str:
    if "x-interface" in part:
        return str(part["x-interface"])
    if "enum" in part or "const" in part:
        return " | ".join(f"'{value}'" for value in part.get("enum", [part.get("const")]))
    if "anyOf" in part:
        return " or ".join(_kind(option) for option in part["anyOf"])
    if "$ref" in part:
        return str(part["$ref"]).rsplit("/", 1)[-1]
    if part.get("type") == "array":
        return f"list of {_kind(part['items'])}"
    if part.get("type") == "object":
        return f"object of {_kind(part.get('additionalProperties', {}))}"
    return _bounded(part)


def _bounded(part: dict[str, Any]) -> str:
    """A plain type with its bounds, as in `number >= 0, < 1`."""
    symbols = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = ", ".join(f"{symbol} {part[key]:g}" for key, symbol in symbols.items() if key in part)
    kind = {"path": "path"}.get(part.get("format", ""), str(part.get("type", "value")))
    return f"{kind} {bounds}".strip()
