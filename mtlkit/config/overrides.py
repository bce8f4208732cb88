"""`-o path=value`: overrides of single settings from the command line."""

import copy
import json
from typing import Any

from mtlkit.errors import ConfigError


def parse_assignment(text: str, option: str) -> tuple[str, str]:
    """Splits `name=value`.

    Raises:
        ConfigError: there is no `=` or no name.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"{option} {text}: write it as {option} NAME=VALUE")
    return name, value


def parse_value(text: str) -> Any:
    """Parses `text` as JSON if it is JSON, and otherwise returns it as it is: `0.1`, `[1, 2]`, `"13"`, `direct`."""
    try:
        return json.loads(text)
    except ValueError:
        return text


class DefaultChanges(dict[str, Any]):
    """An object that overrides created where the experiment had none. It modifies the default of that setting, if there
    is one.
    """

    def of(self, default: Any) -> dict[str, Any]:
        """Returns the default, as JSON, with these changes applied. If the changes choose another `type`, the default
        is ignored.
        """
        if not isinstance(default, dict) or "type" in self:
            return self
        changed = {
            key: item.of(default.get(key)) if isinstance(item, DefaultChanges) else item for key, item in self.items()
        }
        return {**default, **changed}


def apply_overrides(value: Any, overrides: list[str]) -> Any:
    """Returns a copy of `value` with each override `a.b.0.c=JSON` applied.

    Missing keys are added. Whole objects and lists are replaced, never merged. Whether the result is meaningful is left
    to validation. Objects that are created along a path become `DefaultChanges`.

    Raises:
        ConfigError: an override is malformed, or its path leads through a value that cannot contain it.
    """
    result = copy.deepcopy(value)
    for override in overrides:
        path, text = parse_assignment(override, "-o")
        _assign(result, path, parse_value(text))
    return result


def _assign(root: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    place = root
    for depth, key in enumerate(parents):
        if isinstance(place, dict):
            place = place.setdefault(key, DefaultChanges())
        else:
            place = place[_index(place, key, ".".join(parents[: depth + 1]))]
    if isinstance(place, dict):
        place[last] = value
    else:
        place[_index(place, last, path)] = value


def _index(place: Any, key: str, path: str) -> int:
    if not isinstance(place, list):
        raise ConfigError(
            f"-o {path}: there is no such place; its parent is {json.dumps(place)}, not an object or a list"
        )
    if not key.isdecimal() or int(key) >= len(place):
        raise ConfigError(f"-o {path}: the list has {len(place)} items, numbered from 0; '{key}' is none of them")
    return int(key)
