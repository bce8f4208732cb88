"""Every message of mtlkit that proposes something, found in its sources."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import mtlkit

ROOT = Path(mtlkit.__file__).parent
ROOMS_OF_PAGES = ("report/views", "report/charts", "report/analysis", "testing")
"""Rooms whose texts are captions of a report, or are for authors of components."""
REMEDY = re.compile(r"; |: give |: write it|did you mean")
"""What stands between a problem and its remedy."""
FEWEST_LETTERS = 8
"""Texts with fewer join others, as `; ` does, and are in every message."""


Message: TypeAlias = list[str | None]
"""The parts of a message; None stands for a value that is put in."""


@cache
def messages() -> dict[str, Message]:
    """Each message with a remedy, by its place in the sources, such as `runs/directory.py:158`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(ROOMS_OF_PAGES):
            for line, text, is_remedy in _texts(ast.parse(path.read_text(encoding="utf-8"))):
                whole = "".join(part or "" for part in text)
                if (is_remedy or REMEDY.search(whole)) and sum(map(str.isalpha, whole)) >= FEWEST_LETTERS:
                    found[f"{name}:{line}"] = text
    return found


def sources_of(message: str) -> set[str]:
    """The places of the messages that a text shown to a user is or contains."""
    return {place for place, (part, pattern) in _patterns().items() if part in message and pattern.search(message)}


@cache
def _patterns() -> dict[str, tuple[str, re.Pattern[str]]]:
    """The pattern of each message, and its longest part: a search for that alone rules out nearly all messages."""
    return {place: (max(filter(None, text), key=len), _pattern(text)) for place, text in messages().items()}


def unquoted(texts: Iterable[str], width: int) -> list[str]:
    """The places of the messages of which no part of this many characters is in any of the texts."""
    places: dict[str, set[str]] = {}
    for place, text in messages().items():
        for part in filter(None, text):
            for start in range(max(1, len(part) - width + 1)):
                places.setdefault(part[start : start + width], set()).add(place)
    quoted = set[str]()
    for text in texts:
        for start in range(len(text) - width + 1):
            quoted |= places.get(text[start : start + width], set())
    return [place for place in messages() if place not in quoted]


def _texts(node: ast.AST, is_remedy: bool = False) -> Iterator[tuple[int, Message, bool]]:
    """Yields each string below a node, less docstrings and helps of options, with its line, and whether a variable that
    is named `remedy` holds it.
    """
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if is_docstring or (isinstance(child, ast.keyword) and child.arg == "help"):
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.lineno, [child.value], is_remedy
        elif isinstance(child, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else None for part in child.values]
            yield child.lineno, parts, is_remedy
            for part in child.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _texts(part, is_remedy)
        else:
            assigned = child.targets if isinstance(child, ast.Assign) else []
            yield from _texts(child, is_remedy or any("remed" in ast.unparse(name).lower() for name in assigned))


def _pattern(text: Message) -> re.Pattern[str]:
    return re.compile("".join(".*?" if part is None else re.escape(part) for part in text), re.DOTALL)
