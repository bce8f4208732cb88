"""Commands keep freed memory, since the process is theirs; functions leave it as they find it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mtlkit
from mtlkit.errors import DataError
from mtlkit.process import freed_memory

pytestmark = pytest.mark.skipif(freed_memory._other_allocator() is not None, reason="needs glibc")

GRID = ("--grid", "trainer.epochs=1,2")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process one in which nothing has been set, neither here nor by the environment."""
    monkeypatch.setattr(freed_memory, "_has_set", False)
    for name in (*freed_memory.VARIABLES, "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)


def test_a_run_says_that_its_command_has_kept_freed_memory(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Callable[..., Any], tmp_path: Path
) -> None:
    experiment["trainer"] = {"epochs": 1}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    meta = json.loads((tmp_path / "run" / "meta.json").read_text())
    assert meta["allocator"] == f"{freed_memory._glibc()}, keeps up to 2 GiB of freed memory"


def test_functions_leave_the_allocator_as_it_is_and_the_run_says_so(
    experiment: dict[str, Any], elsewhere: Path
) -> None:
    experiment["trainer"] = {"epochs": 1}
    trained = mtlkit.train(experiment, elsewhere / "run")
    mtlkit.evaluate(trained)
    mtlkit.load_archive(trained).predict(["warm"])
    assert not freed_memory._has_set
    meta = json.loads((elsewhere / "run" / "meta.json").read_text())
    assert meta["allocator"] == f"{freed_memory._glibc()}, as found"


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("evaluate", ["evaluate", "ARCHIVE"]),
        ("work", ["predict", "ARCHIVE", "-"]),
        ("explain", ["explain", "ARCHIVE", "warm"]),
        ("report", ["report", "ARCHIVE"]),
        ("sweep", ["sweep", "EXPERIMENT", *GRID]),
        ("transfer", ["transfer", "EXPERIMENT", "--leave-out", "books"]),
    ],
)
def test_every_command_that_computes_keeps_freed_memory(
    module: str,
    arguments: list[str],
    archive: Path,
    experiment: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def keep() -> None:
        raise DataError("freed memory is kept")

    monkeypatch.setattr(f"mtlkit.cli.{module}.keep_freed_memory", keep)
    paths = {"ARCHIVE": archive, "EXPERIMENT": write(experiment)}
    result = run(*[paths.get(each, each) for each in arguments])
    assert result.returncode == 2 and result.stderr == "freed memory is kept\n"
