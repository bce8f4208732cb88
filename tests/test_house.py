"""The script that prints the shape of the code counts what it says, and finds no cycle."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.slow_files import SECONDS

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "house.py"
pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git lists the files, and this is no repository")


@pytest.fixture(scope="module")
def house() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["house"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_package_has_no_cycle(house: ModuleType) -> None:
    sources = house.now()
    graph = house.import_graph(sources)
    assert graph["cli"] and not graph["text"]
    assert house.cycles(graph) == []
    rows = dict(house.house(sources))
    assert rows["cycles"] == "0" and 5 < int(rows["floors"]) <= int(rows["entries at the top"])


def test_it_prints_every_row() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--riddles"], capture_output=True, text=True, check=True)
    for row in ("rooms", "floors", "cycles", "files under 45 lines", "body, median / p90", "longest file", "riddles"):
        assert row in done.stdout
    for section in ("mtlkit/", "plugins/", "whole repository"):
        assert f"\n{section}" in done.stdout


def test_a_commit_is_read_without_being_checked_out(house: ModuleType) -> None:
    paths = {source.path for source in house.at("HEAD")}
    assert "mtlkit/cli/app.py" in paths and all(path.endswith(".py") for path in paths)
    unknown = subprocess.run([sys.executable, SCRIPT, "--rev", "no-such"], capture_output=True, text=True)
    assert unknown.returncode == 1 and "git archive" in unknown.stderr and "Traceback" not in unknown.stderr


def test_cycles_and_chains_are_found(house: ModuleType) -> None:
    files = {
        "mtlkit/__init__.py": "from mtlkit.a import x",
        "mtlkit/a/__init__.py": "",
        "mtlkit/a/x.py": "from mtlkit import b\nimport mtlkit.c.deep\nfrom mtlkit.a.y import z",
        "mtlkit/b.py": "def f():\n    from mtlkit.c import name",
        "mtlkit/c.py": "import torch",
        "plugins/p.py": "import mtlkit.a",
    }
    sources = [house.Source(path, text) for path, text in files.items()]
    graph = house.import_graph(sources)
    assert graph == {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert house.longest_chain(graph) == ["a", "b", "c"] and house.cycles(graph) == []
    graph["c"].add("a")
    assert house.cycles(graph) == [["a", "b", "c"]] and house.longest_chain(graph) == []
    assert house.cycles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == [["a", "b"]]
    assert dict(house.house(sources))["rooms"] == "2"


def test_lines_are_counted(house: ModuleType) -> None:
    source = house.Source(
        "mtlkit/a.py",
        '"""A module."""\nfrom x import (\n    y,\n)\nimport z  # why\n\n\n'
        'def f(a):\n    """The same."""\n    # why\n    if a:\n        return "#"\n    return 1\n\n\n'
        'class _Hidden:\n    """Of nobody."""\n\n\n'
        'class Seen:\n    """Told."""\n\n    def of(self):\n        """Of a thing."""\n',
    )
    assert (source.import_lines(), source.comment_lines(), source.bodies()) == (4, 2, [3, 1])
    assert [riddle.split(": ")[1] for riddle in source.riddles()] == ["f", "Seen.of"]


def test_files_that_are_called_slow_exist_and_are_as_slow_as_that() -> None:
    """The name of one that was moved would mark nothing, and the quick tests would have it among them."""
    assert [name for name in SECONDS if not (ROOT / "tests" / name).is_file()] == []
    assert min(SECONDS.values()) >= 2 and [*SECONDS.values()] == sorted(SECONDS.values(), reverse=True)
