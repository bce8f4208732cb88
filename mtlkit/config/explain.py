"""Validation errors in plain words, one per line: `file: path: what`."""

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from mtlkit.config.json_text import NotJson
from mtlkit.config.spec import Spec
from mtlkit.errors import ConfigError, UnknownComponentError
from mtlkit.text import on_one_line

S = TypeVar("S", bound=Spec)
SAYS_WHAT_IT_GOT = (
    "missing_setting",
    "unknown_setting",
    "unknown_settings",
    "unknown_component",
    "value_error",
    "no_such_item",
)
SURROGATE = re.compile("[\ud800-\udfff]")


def validate(model: type[S], value: Any, file: str) -> S:
    """Validates `value` and returns it as an instance of `model`.

    Raises:
        ConfigError: the value is invalid; the message has one line per error.
        UnknownComponentError: a component is not registered.
    """
    if place := _no_text(value, ""):
        raise ConfigError(f"{file}: {place}: a text with half a surrogate pair, such as \\ud800, is none; mend it")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        unknown = any(line["type"] == "unknown_component" for line in error.errors(include_url=False))
        kind = UnknownComponentError if unknown else ConfigError
        raise kind(*(f"{file}: {line}" for line in explain(error))) from None


def explain(error: ValidationError) -> list[str]:
    """Formats each error as `path: what (got value)`, in the order of the experiment."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in error.errors(include_url=False):
        message = line["msg"].replace("Input should be", "should be").replace("Value error, ", "")
        got = "" if line["type"] in SAYS_WHAT_IT_GOT else _got(line["input"])
        found.setdefault((path_text(line["loc"]), got), []).append(message)
    # A setting of several types has an error for each. A key may hold what breaks lines.
    return [
        on_one_line(f"{f'{place}: ' if place else ''}{', or '.join(said)}{got}") for (place, got), said in found.items()
    ]


def path_text(location: Iterable[int | str]) -> str:
    """Formats the location of an error as a dotted path, such as `tasks.movie.head.type`. List indices are written as
    numbers, as in overrides.
    """
    return ".".join(str(part) for part in location)


def _no_text(value: Any, place: str) -> str | None:
    """Returns the location of the first string that cannot be written to a file (it is not valid Unicode), or None."""
    if isinstance(value, str):
        return place if SURROGATE.search(value) else None
    if isinstance(value, dict):
        if odd := next((key for key in value if SURROGATE.search(str(key))), None):
            return f"{place}.{odd!a}".lstrip(".")
        items: Iterable[tuple[Any, Any]] = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    return next((found for key, item in items if (found := _no_text(item, f"{place}.{key}".lstrip(".")))), None)


def _got(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        return ""
    got = f" (got {text if len(text) <= 60 else text[:57] + '...'}"
    return f"{got}, a text that is not JSON); {value.remedy()}" if isinstance(value, NotJson) else f"{got})"
