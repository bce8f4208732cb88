"""The page on the architecture names the rooms as they are, and files that exist."""

import re
from pathlib import Path

import pytest

from tests.test_layers import LAYERS, MODULES

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
OURS = tuple(sorted({module.split(".")[0] for module in MODULES if module}))
PATHS = sorted(
    {
        quoted
        for quoted in re.findall(r"`([^`\s]+)`", PAGE)
        if re.fullmatch(r"[\w/]+\.py", quoted) or quoted.split("/")[0] in (*OURS, "tests", "benchmarks", "docs")
    }
)
"""Whatever is quoted and is a Python file or begins with a room; without `.py`, a module or a folder of modules."""


def places(path: str) -> list[Path]:
    name = path.rstrip("/")
    return [base / found for base in (ROOT / "mtlkit", ROOT) for found in (name, f"{name}.py")]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path: str) -> None:
    assert any(place.exists() for place in places(path)), f"docs/architecture.md names {path}, which is not there"


def test_paths_are_found_on_the_page() -> None:
    assert len(PATHS) > 50 and {"training/schedules.py", "metrics", "cli/app.py", "tests/test_layers.py"} <= {*PATHS}


def test_every_room_stands_on_its_floor() -> None:
    shown = [{name for floor, name, _ in ROOMS if int(floor) == number + 1} for number in range(len(LAYERS))]
    assert shown == [layer - {"__main__"} for layer in LAYERS]
    assert [int(floor) for floor, _, _ in ROOMS] == sorted((int(floor) for floor, _, _ in ROOMS), reverse=True)


@pytest.mark.parametrize("page", ["docs/index.md", "README.md", "CONTRIBUTING.md"])
def test_the_page_is_linked(page: str) -> None:
    assert "architecture.md)" in (ROOT / page).read_text(encoding="utf-8")
