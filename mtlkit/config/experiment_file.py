"""An experiment file with everything that is given beside it: Jsonnet variables, arguments, and settings to replace.

Nothing here needs torch, so that what is wrong with them is said before torch is imported.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from mtlkit.config.jsonnet import Evaluated, Variables, evaluate_file
from mtlkit.config.overrides import apply_overrides
from mtlkit.errors import ConfigError

DATA_FOLDER = "MTLKIT_DATA"
"""The environment variable that gives the Jsonnet variable `data` its default."""


def evaluate_experiment(path: Path, variables: Variables, overrides: Sequence[str]) -> Evaluated:
    """Evaluates an experiment file and replaces settings of its value.

    Args:
        path: the file.
        variables: Jsonnet variables and arguments.
        overrides: assignments, `path=JSON`.

    Raises:
        ConfigError: as for `evaluate_file`, or an assignment is not valid or has no place.
    """
    try:
        evaluated = evaluate_file(path, variables)
        return replace(evaluated, value=apply_overrides(evaluated.value, list(overrides)))
    except RecursionError:
        raise too_deep(path) from None


def too_deep(file: Path) -> ConfigError:
    """The error for values that are nested so deeply that Python cannot handle them."""
    return ConfigError(f"{file}: objects and lists are nested too deeply to be an experiment")


def jsonnet_variables(variables: Mapping[str, Any], arguments: Mapping[str, Any]) -> Variables:
    """Converts Python values to variables and arguments of a Jsonnet file, with MTLKIT_DATA as the default of `data`.

    Raises:
        ConfigError: a value cannot be represented in JSON.
    """
    folder = os.environ.get(DATA_FOLDER)
    return Variables(
        external={name: json.dumps(plain_value(value, "variables", name)) for name, value in variables.items()},
        arguments={name: json.dumps(plain_value(value, "arguments", name)) for name, value in arguments.items()},
        defaults={"data": json.dumps(folder)} if folder else {},
    )


def plain_value(value: Any, file: str, path: str = "") -> Any:
    """Converts a Python value to a value of JSON: paths become strings, tuples become lists.

    Raises:
        ConfigError: a part of the value cannot be converted; the message begins with `file` and the part's path.
    """
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if value is None or (isinstance(value, str | int | float) and not _is_infinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [plain_value(item, file, f"{path}.{number}".lstrip(".")) for number, item in enumerate(value)]
    place = f"{file}: {path}: " if path else f"{file}: "
    if isinstance(value, Mapping):
        if odd := [key for key in value if not isinstance(key, str)]:
            raise ConfigError(f"{place}the key {odd[0]!r} is of type {type(odd[0]).__name__}; give a string")
        return {key: plain_value(item, file, f"{path}.{key}".lstrip(".")) for key, item in value.items()}
    if isinstance(value, float):
        raise ConfigError(f"{place}{value} is not a finite number; give one that is")
    raise ConfigError(f"{place}is of type {type(value).__name__}; give plain values: dicts, lists, strings, numbers")


def _is_infinite(value: str | int | float) -> bool:
    return isinstance(value, float) and not isfinite(value)
