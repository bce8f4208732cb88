"""JSON values by the paths of what is in them, such as `tasks.books.metrics.0.type`, and what two of them differ in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

LONGEST = 60
"""Characters of a value that are shown."""


@final
class Absent:
    """Stands for a value where there is none; `null` is a value."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()


@dataclass(frozen=True)
class Difference:
    """A place at which two values differ."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """As the end of a sentence on what has changed."""
        return f"{self.path} (was {_shown(self.before)}, is {_shown(self.after)})"


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a JSON value by their paths; objects and lists without anything in them are leaves."""
    if not isinstance(value, dict | list) or not value:
        if path:
            yield path, value
        return
    for key, item in _items(value).items():
        yield from flattened(item, _below(path, key))


def differences(before: Any, after: Any, path: str = "") -> list[Difference]:
    """The outermost places at which two JSON values differ, in their order; in a list, the place in it."""
    if not any(isinstance(before, kind) and isinstance(after, kind) for kind in (dict, list)):
        same = before == after and isinstance(before, bool) == isinstance(after, bool)
        return [] if same else [Difference(path, before, after)]
    old, new = _items(before), _items(after)
    return [
        found
        for key in dict.fromkeys([*old, *new])
        for found in differences(old.get(key, ABSENT), new.get(key, ABSENT), _below(path, key))
    ]


def _items(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {str(place): item for place, item in enumerate(value)}


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    text = repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
