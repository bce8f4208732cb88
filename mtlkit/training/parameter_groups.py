"""Groups of parameters, chosen by patterns of their names, that an optimizer treats by settings of their own."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from mtlkit.config import Spec
from mtlkit.errors import ConfigError
from mtlkit.types import Pattern


class ParameterGroup(Spec):
    """Settings of an optimizer for some parameters, in place of its own; a setting that is left out, or null, stays."""

    pattern: Pattern
    """A regular expression, found in their names. Of several groups whose pattern is found, the first counts."""

    def overrides(self) -> dict[str, Any]:
        """The settings that are given, by name."""
        return {name: value for name, value in self if name != "pattern" and value is not None}


def group_parameters(
    named: Mapping[str, nn.Parameter], groups: Sequence[ParameterGroup]
) -> list[dict[str, nn.Parameter]]:
    """The parameters that no group takes, then those of each group, by name.

    Raises:
        ConfigError: a group has none: its pattern is found in no name, or only in those that groups before it take.
    """
    members: list[dict[str, nn.Parameter]] = [{} for _ in (None, *groups)]
    for name, parameter in named.items():
        found = (number for number, group in enumerate(groups, 1) if re.search(group.pattern, name))
        members[next(found, 0)][name] = parameter
    for number, group in enumerate(groups):
        if not members[number + 1]:
            taken = any(re.search(group.pattern, name) for name in named)
            roots = ", ".join(dict.fromkeys(".".join(name.split(".")[:2]) for name in named))
            reason = (
                "groups before this one take all parameters that match; move it before them, or narrow their patterns"
                if taken
                else f"no parameter that is trained has a name that matches (names begin with {roots})"
            )
            raise ConfigError(f".groups.{number}.pattern: '{group.pattern}': {reason}")
    return members
