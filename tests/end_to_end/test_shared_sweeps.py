"""Sweeps that machines share by a database alone: workers with directories of their own, and a real PostgreSQL."""

import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mtlkit.runs import RunDirectory
from tests.postgresql_server import PASSWORD, Server, missing, running_server
from tests.soak.forked import Forked

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are stopped and forked as on Linux"),
]
GRID = ("--grid", "model.dropout=0,0.2", "--seeds", "2")
NAMES = [f"model.dropout={dropout}-{seed}" for dropout in (0, 0.2) for seed in (13, 14)]
TABLE = ("results.json", "sweep.md")
"""What shows the results of a sweep."""
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        yield started


@pytest.fixture
def url(server: Server) -> str:
    return server.new_database()


@pytest.fixture
def small(experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path]) -> Path:
    """An experiment file whose runs take a second."""
    experiment["trainer"] = {"epochs": 1, "batch_size": 8, "optimizer": {"type": "adam", "lr": 0.01}}
    return write(experiment)


def trials(server: Server, url: str, sweep: str = "sweep") -> dict[str, list[str]]:
    """How the attempts at each run have ended, in order."""
    found: dict[str, list[str]] = {}
    attempts = (
        "SELECT value_json, state FROM trials JOIN trial_user_attributes USING (trial_id) JOIN studies USING (study_id)"
        f" WHERE key = 'run' AND study_name = '{sweep}: runs' ORDER BY number"
    )
    for name, state in server.execute(attempts, url.rpartition("/")[2]):
        found.setdefault(json.loads(name), []).append(state)
    return found


def wait_for_checkpoint(process: Forked, directory: Path) -> str:
    """The run that a worker stands still in."""
    begun = re.compile(r"^(.+): begins$", re.MULTILINE)
    process.wait_until(lambda: begun.search(process.output()) is not None)
    found = begun.search(process.output())
    assert found is not None
    run = directory / found[1]
    process.wait_until(lambda: bool(list(run.glob("checkpoints/step-*"))))
    assert not RunDirectory(run).is_finished
    return run.name


def test_four_workers_of_which_one_is_killed(
    experiment: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    fork: Callable[..., Forked],
    run: Run,
    tmp_path: Path,
    server: Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each has a disk of its own. What the killed one was at is done by another, and all have the same table."""
    monkeypatch.setenv("MTLKIT_SWEEP_TIMEOUT", "20")
    experiment["trainer"] |= {"epochs": 1, "checkpoint_every": 5}
    file, whole = write(experiment), tmp_path / "whole" / "sweep"
    undisturbed = run("sweep", file, *GRID, "-s", whole)
    assert undisturbed.returncode == 0, undisturbed.stderr
    places = [tmp_path / f"machine-{number}" / "sweep" for number in range(4)]
    worker = ("sweep", file, *GRID, "--storage", url, "--worker", "-s")
    processes = [fork(*worker, places[0], stops_at_step=20), *(fork(*worker, place) for place in places[1:])]
    victim = wait_for_checkpoint(processes[0], places[0])
    processes[0].kill()
    assert [process.wait() for process in processes] == [-signal.SIGKILL, 0, 0, 0], processes[1].output()
    said = [process.output() for process in processes]
    attempts = trials(server, url)
    assert attempts == {name: ["FAIL", "COMPLETE"] if name == victim else ["COMPLETE"] for name in NAMES}
    assert "".join(said).count("scoring test data") == len(NAMES), "each run has come to its end once"
    assert f"{victim}: begins" in "".join(said[1:]), "on a machine that has none of its checkpoints"
    for place in places[1:]:
        assert [(place / name).read_bytes() for name in TABLE] == [(whole / name).read_bytes() for name in TABLE]
    late = run(*worker, tmp_path / "late" / "sweep")
    assert late.returncode == 0 and late.stdout == undisturbed.stdout and "begins" not in late.stderr
    shown = run(*worker, tmp_path / "later" / "sweep", "--report")
    assert shown.returncode == 0 and shown.stdout == undisturbed.stdout and not (tmp_path / "later").exists()
    assert PASSWORD not in "".join(said) + late.stdout + late.stderr
    for each in (path for place in places for path in place.rglob("*") if path.is_file()):
        assert PASSWORD.encode() not in each.read_bytes(), each
