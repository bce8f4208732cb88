"""Validation errors in words: one line each, `file: path: what`."""

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from mtlkit.config.spec import Spec
from mtlkit.errors import ConfigError

S = TypeVar("S", bound=Spec)


def validate(model: type[S], value: Any, file: str) -> S:
    """`value` as a `model`.

    Raises:
        ConfigError: with every error in it, a line each.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{file}: {line}" for line in explain(error))) from None


def explain(error: ValidationError) -> list[str]:
    """Each error as `path: what (got value)`, in the order of the experiment."""
    return [_line(line) for line in error.errors(include_url=False)]


def path_text(location: Iterable[int | str]) -> str:
    """`tasks.movie.head.type`; list indices are numbers, as in overrides."""
    return ".".join(str(part) for part in location)


def _line(line: Any) -> str:
    message = line["msg"].replace("Input should be", "should be").replace("Value error, ", "")
    got = "" if line["type"] in ("missing_setting", "unknown_setting", "unknown_component") else _got(line["input"])
    place = path_text(line["loc"])
    return f"{place}: {message}{got}" if place else f"{message}{got}"


def _got(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        return ""
    return f" (got {text if len(text) <= 60 else text[:57] + '...'})"
