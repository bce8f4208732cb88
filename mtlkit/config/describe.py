"""Descriptions of settings, as they are shown in documentation."""

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
    """The type of the setting in words: `integer > 0`, `encoder`, `list of metric`, `'last' | 'mean'`, and so on."""
    default: str | None
    """The default as JSON, or None if the setting is required."""
    meaning: str = ""
    """The docstring below the attribute. Empty for a component, which describes its settings in its class docstring."""


def summary(component: type[Component] | type[Spec]) -> str:
    """Returns the first sentence of the docstring.

    A full stop followed by a digit or a lower-case letter does not end a sentence: `eqs. 3-6`.
    """
    text = " ".join(inspect.cleandoc(component.__doc__ or "").split("\n\n")[0].split())
    sentence: str = re.split(r"\. (?=[A-Z])", text)[0]
    return sentence.rstrip(".") + "."


def settings_of(section: type[Spec]) -> list[SettingDescription]:
    """Describes every setting of a section, in the order of definition."""
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
    """Describes a plain type with its bounds, such as `number >= 0, < 1`."""
    symbols = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = ", ".join(f"{symbol} {part[key]:g}" for key, symbol in symbols.items() if key in part)
    kind = {"path": "path"}.get(part.get("format", ""), str(part.get("type", "value")))
    return f"{kind} {bounds}".strip()
