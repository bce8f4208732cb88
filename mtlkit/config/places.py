"""Parts by where they stand in settings, such as `model.embedder.embedders.0`."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from mtlkit.config.lazy import Lazy
from mtlkit.config.spec import Spec

T = TypeVar("T")
ChangePart = Callable[[str, Lazy[Any]], Lazy[Any]]


def parts_by_place(settings: Any, place: str = "") -> Iterator[tuple[str, Lazy[Any]]]:
    """All parts in settings, a list, an object or another part, at any depth, each with its place; outer ones first.

    The place of a part inside a part goes on behind the outer one's: settings are not told apart from their part.
    """
    if isinstance(settings, Lazy):
        yield place, settings
        yield from parts_by_place(settings.settings, place)
    for key, item in _items(settings):
        yield from parts_by_place(item, f"{place}.{key}" if place else key)


def with_parts(settings: T, change: ChangePart) -> T:
    """Settings with every part as `change` gives it back; inner parts are changed before those that hold them.

    What holds no part that was changed is the same object as before.
    """
    changed: T = _changed(settings, change, "")
    return changed


def _changed(value: Any, change: ChangePart, place: str) -> Any:
    if isinstance(value, Lazy):
        inner = _changed(value.settings, change, place)
        return change(place, value if inner is value.settings else Lazy(value.component, inner, value.files))
    before = _items(value)
    items = {key: _changed(item, change, f"{place}.{key}" if place else key) for key, item in before}
    if all(items[key] is item for key, item in before):
        return value
    if isinstance(value, Spec):
        return value.model_copy(update=items)
    return dict(zip(value, items.values(), strict=True)) if isinstance(value, dict) else type(value)(items.values())


def _items(value: Any) -> list[tuple[str, Any]]:
    """What is in settings, an object, a list or a tuple, by its key; nothing for other values."""
    if isinstance(value, Spec):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    return [(str(place), item) for place, item in enumerate(value)] if isinstance(value, list | tuple) else []
