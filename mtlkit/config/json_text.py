"""JSON as a user writes it: strictly in a file, and in an option JSON or else text."""

import ast
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mtlkit.config.jsonnet_process import JsonnetAbort, JsonnetError, JsonnetProcess
from mtlkit.errors import ConfigError
from mtlkit.text import printable

NUMBER_STARTS = tuple("0123456789.+-")
LOOKS_LIKE_JSON = ("{", "[", '"', "'")
WORDS = ("True", "False", "None")
"""Words of Python for which JSON has others."""


class NotJson(str):
    """A text from an option that is not JSON, although it looks as if it was meant to be: `{type: "x"}`, `True`, `.5`.

    Where such a text is not accepted, the message says so, since the text itself would look right.
    """

    def remedy(self) -> str:
        """Returns how to write as JSON what the text is probably meant to be."""
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return f"write it as JSON: {json.dumps(self._meant(), ensure_ascii=False, allow_nan=False)}"
        return "write it as JSON, with names and texts between double quotes, and in a shell all of it in single ones"

    def _meant(self) -> Any:
        """The value that the text has as Jsonnet, or else as Python. Raises an error if it has none."""
        with suppress(JsonnetAbort, JsonnetError), JsonnetProcess() as process:
            return json.loads(process.evaluate("value", str(self), _no_import))
        return ast.literal_eval(self)


def parse_value(text: str, place: str) -> Any:
    """Parses `text` as JSON if it is JSON, and otherwise returns it as it is: `0.1`, `[1, 2]`, `"13"`, `direct`.

    Args:
        text: the value that the user gave.
        place: the option that it was given to, for messages.

    Raises:
        ConfigError: it is JSON, but an object in it has a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates(place), parse_constant=_refuse_constant)
    except ValueError:
        return NotJson(text) if _looks_like_json(text) else text


def parse_json(text: str, place: Path | str) -> Any:
    """Parses a JSON text.

    Raises:
        ConfigError: it is not valid JSON, or contains something that only Python's parser accepts: a duplicate key, NaN
            or infinity.
    """

    def no_constants(name: str) -> Any:
        raise ConfigError(f"{place}: {name} is not a number in JSON; write a number")

    try:
        return json.loads(text, object_pairs_hook=_without_duplicates(str(place)), parse_constant=no_constants)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{place}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from None
    except ValueError:  # Python refuses integers of more than 4300 digits
        raise ConfigError(f"{place}: a number has too many digits; write a shorter one") from None


def _without_duplicates(place: str) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            repeated = min(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
            raise ConfigError(f"{place}: key '{printable(repeated)}' is given twice in one object; keep one of them")
        return found

    return checked


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _looks_like_json(text: str) -> bool:
    """Whether a text begins like JSON, or is a value of Python, such as `True`, `.5` or `1_000`."""
    if text.startswith(LOOKS_LIKE_JSON) or text in WORDS:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return text.startswith(NUMBER_STARTS)


def _no_import(folder: str, name: str) -> tuple[str, bytes]:
    raise RuntimeError(f"import '{name}' in an option")
