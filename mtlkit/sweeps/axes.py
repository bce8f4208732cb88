"""What a sweep varies: top-level arguments of the experiment file, and settings of the experiment."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, final

from mtlkit.config import nearest, parse_assignment, parse_value
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment

Option = tuple[str, str]
"""An option of `mtlkit train` with its value: `("--tla", "hidden=100")`."""
OPENING, CLOSING = "[{", "]}"


@final
@dataclass(frozen=True)
class Axis:
    """An argument or a setting whose values a sweep varies.

    Attributes:
        name: the name of the argument, or the dotted path of the setting.
        is_setting: whether it is a setting.
    """

    name: str
    is_setting: bool

    def option(self, value: Any) -> Option:
        """The option of `mtlkit train` that sets this value."""
        if self.is_setting:
            return "-o", f"{self.name}={text_of(value)}"
        if isinstance(value, str):
            return "--tla-str", f"{self.name}={value}"
        return "--tla", f"{self.name}={json.dumps(value)}"


@final
@dataclass(frozen=True)
class Grid:
    """An axis with the values to try."""

    axis: Axis
    values: tuple[Any, ...]


@final
@dataclass(frozen=True)
class Range:
    """An axis of numbers from low to high, both included; integers where both ends are integers."""

    axis: Axis
    low: float
    high: float
    log: bool

    @property
    def is_whole(self) -> bool:
        """Whether the range holds integers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def axes_of(grids: Sequence[Grid], ranges: Sequence[Range]) -> list[Axis]:
    """The axes of a sweep in order: those of the grids, then those of the ranges."""
    return [*(grid.axis for grid in grids), *(each.axis for each in ranges)]


def text_of(value: Any) -> str:
    """A value as one would type it: text without quotes, unless it would then be parsed as something else."""
    return value if isinstance(value, str) and parse_value(value, "value") == value else json.dumps(value)


def find_axis(name: str, arguments: Sequence[str], option: str) -> Axis:
    """Finds the argument or the setting that a name stands for.

    Args:
        name: the name as the user wrote it.
        arguments: the arguments that the experiment file takes.
        option: the option that the name was given to, for error messages.

    Raises:
        ConfigError: no argument and no setting has this name.
    """
    if name in arguments:
        return Axis(name, is_setting=False)
    if "." in name or name in Experiment.model_fields:
        return Axis(name, is_setting=True)
    if not arguments:
        raise ConfigError(
            f"{option} {name}: the file takes no arguments; give a setting, such as {option} model.{name}"
        )
    hint = nearest(name, list(arguments))
    raise ConfigError(f"{option} {name}: the file has no such argument{hint} (its arguments: {', '.join(arguments)})")


def parse_grid(given: str, arguments: Sequence[str]) -> Grid:
    """Parses `NAME=V1,V2`. Each value is JSON or else text; commas in brackets or quotes do not separate values.

    Raises:
        ConfigError: the text does not have this form.
    """
    name, values = parse_assignment(given, "--grid")
    axis = find_axis(name, arguments, "--grid")
    texts = _divided(values)
    if not all(texts):
        raise ConfigError(f"--grid {given}: a value is missing; write --grid {name}=V1,V2")
    parsed = [parse_value(text, f"--grid {name}") for text in texts]
    written = [text_of(value) for value in parsed]
    if twice := next((text for text in written if written.count(text) > 1), None):
        raise ConfigError(f"--grid {given}: {twice} is given twice; give each value once")
    return Grid(axis, tuple(parsed))


def parse_range(given: str, arguments: Sequence[str]) -> Range:
    """Parses `NAME=LOW:HIGH`, or `NAME=LOW:HIGH:log` for values drawn on a logarithmic scale.

    Raises:
        ConfigError: the text does not have this form.
    """
    name, ends = parse_assignment(given, "--range")
    axis = find_axis(name, arguments, "--range")
    *parts, scale = [*ends.split(":"), ""] if ends.count(":") < 2 else ends.split(":")
    numbers = [number for part in parts if _is_number(number := parse_value(part, f"--range {name}"))]
    if len(numbers) != 2 or len(parts) != 2 or scale not in ("", "log"):
        raise ConfigError(f"--range {given}: write it as --range {name}=LOW:HIGH or --range {name}=LOW:HIGH:log")
    low, high = numbers
    if not low < high or (scale and low <= 0):
        remedy = "be above 0 in a logarithmic range" if low < high else "be below the high one"
        raise ConfigError(f"--range {given}: the low end must {remedy}")
    return Range(axis, low, high, bool(scale))


def parse_seeds(given: str, first: int) -> tuple[int, ...]:
    """Parses a number of seeds, counted up from `first`, or the seeds with commas: `3`, `13,14,15`, `7,`.

    Raises:
        ConfigError: the text does not have this form.
    """
    if re.fullmatch(r"0*[1-9]\d{0,5}", given):
        return tuple(range(first, first + int(given)))
    if not re.fullmatch(r"\d{1,19}(,\d{1,19})*,?", given) or "," not in given:
        raise ConfigError(f"--seeds {given}: give their number, as in --seeds 3, or the seeds, as in --seeds 13,14,15")
    seeds = tuple(int(seed) for seed in given.rstrip(",").split(","))
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"--seeds {given}: a seed is given twice; give each once")
    return seeds


def refuse_repeated(axes: Sequence[Axis], given: Sequence[str]) -> None:
    """Checks that no argument or setting is varied twice, or both varied and given a value.

    Args:
        axes: the arguments and settings that are varied.
        given: the names of those that other options of the command line set.

    Raises:
        ConfigError: a name occurs twice.
    """
    names = sorted(axis.name for axis in axes)
    if twice := next((name for name, same in groupby(names) if len(list(same)) > 1), None):
        raise ConfigError(f"{twice} is varied twice; give all its values in one --grid")
    if both := next((name for name in names if name in given), None):
        raise ConfigError(f"{both} is varied, and --tla, --tla-str or -o gives it one value; leave one of them out")
    if "seed" in (*names, *given):
        raise ConfigError("seed: the seeds of a sweep are given by --seeds, as in --seeds 3 or --seeds 13,14,15")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _divided(text: str) -> list[str]:
    """Splits at commas, except within brackets and quotes."""
    parts, depth, quoted, escaped = [""], 0, False, False
    for character in text:
        if character == "," and not depth and not quoted:
            parts.append("")
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
        if not quoted:
            depth += (character in OPENING) - (character in CLOSING)
        parts[-1] += character
    return [part.strip() for part in parts]
