"""The rooms of the report import in one direction."""

import ast
from pathlib import Path

import pytest

import mtlkit.report

ROOT = Path(mtlkit.report.__file__).parent
ROOMS = ["evidence", "parts", "templating", "analysis", "reading", "charts", "views", "sections", "page"]
"""From the ground up; a module imports from its own room and from those before it."""
OPEN = {"requirements", "writing"}
"""What stands before the report and after it."""


@pytest.mark.parametrize("file", sorted(ROOT.rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_from_later_rooms_to_earlier_ones(file: Path) -> None:
    room = file.relative_to(ROOT).with_suffix("").parts[0]
    if room in {"__init__", *OPEN}:
        return
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mtlkit.report"):
            parts = (node.module or "").split(".")[2:]
            for target in [parts[0]] if parts else [alias.name for alias in node.names]:
                assert ROOMS.index(target) <= ROOMS.index(room), f"line {node.lineno}: {room} imports {target}"
