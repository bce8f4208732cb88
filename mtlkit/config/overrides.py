"""`-o path=value`: overrides of single settings from the command line."""

import copy
import json
from typing import Any

from mtlkit.config.json_text import parse_value
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


class NoSuchItemError(ValueError):
    """An override names an item that the default list of a setting does not have.

    Attributes:
        place: the keys that lead to the item from the setting whose default was to be changed.
    """

    def __init__(self, message: str, place: tuple[str, ...]) -> None:
        super().__init__(message)
        self.place = place


class DefaultChanges(dict[str, Any]):
    """An object that overrides created where the experiment had none. It modifies the default of that setting, if there
    is one: an object by its keys, a list by the indices of its items.
    """

    def of(self, default: Any) -> Any:
        """Returns the default, as JSON, with these changes applied. If the changes choose another `type`, the default
        is ignored.

        Raises:
            NoSuchItemError: the default is a list, and a change is to something that is not one of its items.
        """
        if isinstance(default, list):
            return self._of_list(default)
        if not isinstance(default, dict) or "type" in self:
            return self
        return {**default, **{key: _changed(key, item, default.get(key)) for key, item in self.items()}}

    def _of_list(self, default: list[Any]) -> list[Any]:
        changed = list(default)
        for key, item in self.items():
            if not _is_index(key, default):
                raise NoSuchItemError(f"the default {_none_of(key, default)}", (key,))
            changed[int(key)] = _changed(key, item, default[int(key)])
        return changed


def _changed(key: str, item: Any, default: Any) -> Any:
    if not isinstance(item, DefaultChanges):
        return item
    try:
        return item.of(default)
    except NoSuchItemError as error:
        raise NoSuchItemError(str(error), (key, *error.place)) from None


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
        _assign(result, path, parse_value(text, f"-o {path}"))
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
        parent = path.rpartition(".")[0]
        raise ConfigError(
            f"-o {path}: there is no such place; its parent is {json.dumps(place)}, not an object or a list"
            + (f", so give {parent} as a whole" if parent else "")
        )
    if not _is_index(key, place):
        raise ConfigError(f"-o {path}: the {_none_of(key, place)}")
    return int(key)


def _is_index(key: str, items: list[Any]) -> bool:
    return key.isdecimal() and int(key) < len(items)


def _none_of(key: str, items: list[Any]) -> str:
    number = f"{len(items)} items, numbered from 0" if len(items) != 1 else "1 item, numbered 0"
    remedy = "name one that there is, or give the whole list" if items else "give the whole list"
    return f"list has {number}; '{key}' is none of them, so {remedy}"
