"""Parsing of the JSON members of an archive, which may come from an untrusted source."""

import json
from math import isfinite
from typing import Any

from mtlkit.config import Spec
from mtlkit.redaction import redacted_command

MAX_DEPTH = 64
"""The maximum nesting of lists and objects. Experiments need about a dozen levels; validation recurses for each."""


class MemberFacts(Spec):
    """What the manifest records about one member."""

    sha256: str
    size: int | None = None
    same_as: str | None = None
    """The member with the same content, which the archive holds in place of this one."""


class Manifest(Spec):
    """The contents of an archive, and the plugins it needs."""

    format_version: int
    mtlkit: str
    """The version of mtlkit that wrote the archive."""
    plugins: dict[str, str]
    members: dict[str, MemberFacts]


class Meta(Spec, extra="allow"):
    """The fields of `meta.json` that are interpreted. Other fields are only displayed."""

    limit: int | None = None
    data: dict[str, str] = {}
    packages: dict[str, str] = {}
    git: dict[str, Any] | None = None
    command: list[str] = []


def without_secrets(meta: dict[str, Any]) -> dict[str, Any]:
    """The content of a `meta.json` with `***` for passwords in its command, which older versions recorded as it was."""
    return {**meta, "command": redacted_command(meta["command"])} if "command" in meta else meta


def parse_json(content: bytes, *, finite: bool = True) -> dict[str, Any]:
    """Parses `content` as a JSON object.

    Args:
        content: UTF-8 text.
        finite: whether to reject NaN and infinite numbers, which Python writes although they are not valid JSON.

    Raises:
        ValueError: it is not an object, is nested too deeply, repeats a key, or holds a number that is not finite.
    """
    number = _finite if finite else float
    try:
        value = json.loads(
            content.decode(), object_pairs_hook=_without_twins, parse_float=number, parse_constant=number
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    _check_depth(value)
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for part in level
            for item in (part.values() if isinstance(part, dict) else part)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise ValueError(f"nested more than {MAX_DEPTH} deep")
