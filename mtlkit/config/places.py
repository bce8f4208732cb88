"""Replaces the parts inside settings."""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from mtlkit.config.lazy import Lazy, items_of

T = TypeVar("T")
ChangePart = Callable[[str, Lazy[Any]], Lazy[Any]]


def with_parts(settings: T, change: ChangePart) -> T:
    """Returns a copy of the settings in which each part is replaced by `change(part)`, from the inside out.

    A value in which nothing changed is returned as the same object.
    """
    changed: T = _changed(settings, change, "")
    return changed


def _changed(value: Any, change: ChangePart, place: str) -> Any:
    if isinstance(value, Lazy):
        inner = _changed(value.settings, change, place)
        return change(place, value if inner is value.settings else Lazy(value.component, inner, value.files))
    before = items_of(value)
    items = {key: _changed(item, change, f"{place}.{key}" if place else key) for key, item in before}
    if all(items[key] is item for key, item in before):
        return value
    return _made_of(items, value)


def _made_of(items: Mapping[str, Any], value: Any) -> Any:
    """Returns a copy of a model, dataclass, mapping or collection with these items in place of its own."""
    if isinstance(value, BaseModel):
        return value.model_copy(update=items)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **items)
    if isinstance(value, Mapping):
        return dict(zip(value, items.values(), strict=True))
    make = getattr(type(value), "_make", type(value))  # a named tuple takes its items one by one
    return make(items.values())
