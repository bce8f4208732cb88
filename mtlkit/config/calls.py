"""Arguments of public functions, checked before anything is done: a mistake in Python ends in a sentence as well."""

import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from mtlkit.errors import ConfigError
from mtlkit.redaction import redacted
from mtlkit.text import on_one_line

LONGEST_NAME = 255
"""The most bytes that file systems allow for a name."""


def path_argument(value: Any, name: str) -> Path:
    """Returns the path that a string or a path-like object gives. Raises ConfigError if it is neither, or no path."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(path, str):
        raise ConfigError(f"{name}: should be a path, as a string or a Path (got {value!r})")
    if "\0" in path or any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(path).parts):
        raise ConfigError(
            f"{name}: no file system has such a name (got {on_one_line(path[:60])}...); give another path"
        )
    return Path(path)


def count_argument(value: Any, name: str) -> int | None:
    """Returns a whole number of at least 1 as an int, also one of NumPy, or None. Raises ConfigError otherwise."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ConfigError(f"{name}: should be a whole number of at least 1 (got {value!r})")
    return int(value)


def flag_argument(value: Any, name: str) -> bool:
    """Returns a truth value. Raises ConfigError for anything but True and False, such as `"no"`, which is true."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name}: should be True or False (got {value!r})")
    return value


def resume_argument(value: Any) -> bool | Literal["auto"]:
    """Returns True, False or `"auto"`. Raises ConfigError for anything else."""
    if not isinstance(value, bool) and value != "auto":
        raise ConfigError(f"resume: should be True, False or 'auto' (got {value!r})")
    return "auto" if value == "auto" else bool(value)


def names_argument(value: Any, name: str, what: str = "names") -> list[str]:
    """Returns the strings of an iterable, paths among them as strings.

    Args:
        value: what was given.
        name: the name of the argument.
        what: what its strings are, for messages.

    Raises:
        ConfigError: it is a single string or path, no iterable at all, or holds something else.
    """
    if isinstance(value, str | os.PathLike):
        raise ConfigError(f"{name} takes several {what}; give a list, such as [{str(value)!r}]")
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise ConfigError(f"{name}: should be a list of {what} (got {value!r})")
    names = [os.fspath(each) if isinstance(each, os.PathLike) else each for each in value]
    if odd := [each for each in names if not isinstance(each, str)]:
        raise ConfigError(f"{name}: should be a list of {what}, and {odd[0]!r} is not a string")
    return names


def say_argument(value: Any) -> Callable[[str], None]:
    """Returns the function that is given as `say`, which gets lines without passwords and control characters.

    Raises:
        ConfigError: it is not a function.
    """
    say = callback_argument(value, "say")
    return lambda line: say(on_one_line(redacted(line)))


def callback_argument(value: Any, name: str, methods: Iterable[str] = ()) -> Any:
    """Returns a function, or with `methods` an object that has all of them. Raises ConfigError if it is not."""
    wanted = tuple(methods)
    if not wanted and not callable(value):
        raise ConfigError(f"{name}: should be a function that takes a line, such as print (got {value!r})")
    missing = [method for method in wanted if not callable(getattr(value, method, None))]
    if missing or (wanted and isinstance(value, type)):
        kind = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
        raise ConfigError(f"{name}: is {kind}; give an object with the methods {', '.join(wanted)}")
    return value
