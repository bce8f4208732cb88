"""Experiments as earlier versions of mtlkit wrote them, which lack the settings that have come since.

A setting that is missing stands for its default, with these exceptions: those whose default gives other texts, words or
answers than a version that did not know them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

BEFORE: Mapping[str, Any] = MappingProxyType({"normalization": "none"})
"""What holds for a resolved experiment without the setting."""


def as_it_was(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the resolved experiment of a run or of an archive with the values that held when it was written."""
    missing = {name: value for name, value in BEFORE.items() if name not in resolved}
    return {**resolved, **missing}  # in the order of the file, which a page shows
