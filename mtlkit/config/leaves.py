"""JSON values flattened to dotted paths, such as `tasks.books.metrics.0.type`, and differences between two."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

LONGEST = 60
"""The maximum number of characters of a value that are shown."""


@final
class Absent:
    """Stands for a missing value, which is not the same as `null`."""

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
        """Describes the change as the end of a sentence, for messages."""
        return f"{self.path} (was {_shown(self.before)}, is {_shown(self.after)})"


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Returns the leaves of a JSON value by path. Empty objects and empty lists are leaves."""
    if not isinstance(value, dict | list) or not value:
        if path:
            yield path, value
        return
    for key, item in _items(value).items():
        yield from flattened(item, _below(path, key))


def differences(before: Any, after: Any, path: str = "") -> list[Difference]:
    """Returns the outermost paths at which two JSON values differ, in order. Lists are compared by position."""
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
