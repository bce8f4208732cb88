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
    processes = [fork(*worker, places[0], stops_at_step=20)]
    processes[0].wait_until(lambda: ": begins" in processes[0].output())  # before others have taken all there is
    processes += [fork(*worker, place) for place in places[1:]]
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


def test_a_worker_that_was_cut_off_learns_that_its_run_is_another_ones(
    experiment: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    fork: Callable[..., Forked],
    tmp_path: Path,
    server: Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is suspended for longer than it may be silent, and then goes on as if nothing had happened."""
    monkeypatch.setenv("MTLKIT_SWEEP_TIMEOUT", "8")
    experiment["trainer"] |= {"epochs": 2, "checkpoint_every": 5}
    worker = ("sweep", write(experiment), "--storage", url, "--worker", "-s")
    stopped = fork(*worker, tmp_path / "stopped" / "sweep", stops_at_step=20)
    assert wait_for_checkpoint(stopped, tmp_path / "stopped" / "sweep") == "base-13"
    other = fork(*worker, tmp_path / "other" / "sweep")
    assert other.wait() == 0, other.output()
    assert "nothing is open; waiting for base-13" in other.output() and "base-13: begins" in other.output()
    stopped.go_on()
    assert stopped.wait() == 0, stopped.output()
    told = "base-13: another worker has taken it over, since this one had not been heard of for 8 seconds"
    assert told in stopped.output() and "scoring test data" not in stopped.output()
    assert trials(server, url) == {"base-13": ["FAIL", "COMPLETE"]}
    tables = [(tmp_path / place / "sweep" / "results.json").read_bytes() for place in ("stopped", "other")]
    assert tables[0] == tables[1]


def test_what_is_interrupted_or_fails_is_known_to_all(
    experiment: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    fork: Callable[..., Forked],
    run: Run,
    tmp_path: Path,
    server: Server,
    url: str,
) -> None:
    """An interrupted run is open again at once, and goes on where its directory is; a failed one is tried by nobody."""
    experiment["trainer"] = {"epochs": 1, "batch_size": 8, "optimizer": {"type": "sgd"}, "gradient_clip": None}
    experiment["trainer"]["checkpoint_every"] = 5
    file = write(experiment)
    worker = ("sweep", file, "--grid", "trainer.optimizer.lr=0.1,1e39", "--storage", url, "--worker", "-s")
    process = fork(*worker, tmp_path / "sweep", stops_at_step=1)
    begun = wait_for_checkpoint(process, tmp_path / "sweep")
    process.send(signal.SIGTERM)
    process.go_on()
    assert process.wait() == 128 + signal.SIGTERM, process.output()
    assert trials(server, url) == {begun: ["FAIL"]}
    first = run(*worker, tmp_path / "sweep")
    assert first.returncode == 1 and f"{begun}: goes on" in first.stderr and "lr=1e+39-13: failed: " in first.stderr
    assert "to try it again" not in first.stderr
    second = run(*worker, tmp_path / "elsewhere" / "sweep")
    assert second.returncode == 1 and ": begins" not in second.stderr and "lr=1e+39-13 failed: " in second.stderr
    assert second.stdout == first.stdout


def test_storages_that_do_not_fit_are_refused_with_what_to_do(
    small: Path, run: Run, tmp_path: Path, server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each remedy is followed, and helps."""
    monkeypatch.setenv("MTLKIT_SWEEP_TIMEOUT", "4")
    grid, place = ("--grid", "model.dropout=0,0.2"), tmp_path / "sweep"

    def sweep(*options: str, storage: str = url, directory: Path = place) -> Any:
        told = run("sweep", small, *options, "--storage", storage, "--worker", "-s", directory)
        assert PASSWORD not in told.stdout + told.stderr and "Traceback" not in told.stderr
        return told

    server.stop()
    try:
        away = sweep(*grid)
    finally:
        server.start()
    assert away.returncode == 2 and not place.exists()
    assert re.fullmatch(
        r"--storage: cannot be used: .*refused; correct the URL, or start the server and give the same command again\n",
        away.stderr,
    )
    wrong = sweep(*grid, storage=url.replace(PASSWORD, f"{PASSWORD}!"))
    assert wrong.returncode == 2 and "password authentication failed" in wrong.stderr and not place.exists()
    assert sweep(*grid).returncode == 0

    elsewhere = tmp_path / "machine" / "sweep"
    fewer = sweep("--grid", "model.dropout=0.2", directory=elsewhere)
    assert fewer.returncode == 2 and not elsewhere.exists()
    assert fewer.stderr == (
        "--storage: sweep: holds another sweep: its values of model.dropout have 0 among them; a sweep can only grow; "
        "ask for that too, or begin a new one with another -s DIR\n"
    )
    changed = sweep(*grid, "-o", "trainer.batch_size=4", directory=elsewhere)
    assert changed.returncode == 2 and not elsewhere.exists()
    assert "--storage: sweep: the experiment changed since the sweep was begun: trainer.batch_size" in changed.stderr
    assert "or begin a new sweep with another -s DIR" in changed.stderr
    assert sweep("--dry-run", *grid, "-o", "trainer.batch_size=4", directory=tmp_path / "other").returncode == 0
    grown = sweep("--grid", "model.dropout=0,0.2,0.4", directory=elsewhere)
    assert grown.returncode == 0 and grown.stderr.count(": begins") == 1, grown.stderr

    alone = run("sweep", small, *grid, "-s", place)
    assert alone.returncode == 2 and "was begun with --worker; give it, or give another directory" in alone.stderr
    database = url.rpartition("/")[2]
    server.execute("UPDATE alembic_version SET version_num = 'v3.0.0.d'", database)
    older = sweep(*grid)
    assert older.returncode == 2 and "--storage: its tables are of another version of Optuna" in older.stderr
    assert "name another database" in older.stderr
    new = sweep("--dry-run", *grid, storage=server.new_database(), directory=tmp_path / "new")
    assert new.returncode == 0 and new.stdout.count("│ open ") == 2


@pytest.mark.parametrize("storage", [(), ("--storage", "sqlite:///trials.db")], ids=["none", "sqlite"])
def test_a_worker_needs_postgresql(small: Path, run: Run, tmp_path: Path, storage: tuple[str, ...]) -> None:
    told = run("sweep", small, "--worker", *storage, "-s", tmp_path / "sweep")
    assert told.returncode == 2 and not (tmp_path / "sweep").exists()
    assert told.stderr == (
        "--worker: machines share a sweep by a PostgreSQL database; give --storage postgresql://HOST/DATABASE, "
        "or leave --worker out where all share the directory\n"
    )


def test_how_long_a_worker_may_be_silent_is_checked(
    small: Path, run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLKIT_SWEEP_TIMEOUT", "soon")
    told = run("sweep", small, "--worker", "--storage", url)
    assert told.returncode == 2
    assert told.stderr == "MTLKIT_SWEEP_TIMEOUT: is 'soon'; give seconds, as a whole number from 4 on\n"


def test_points_of_ranges_are_drawn_once_for_all_workers(
    small: Path, fork: Callable[..., Forked], run: Run, tmp_path: Path, server: Server, url: str
) -> None:
    drawn = ("--range", "trainer.optimizer.lr=1e-4:1e-2:log", "--trials", "3", "--storage", url, "--worker", "-s")
    places = [tmp_path / str(number) / "sweep" for number in range(2)]
    processes = [fork("sweep", small, *drawn, place) for place in places]
    assert [process.wait() for process in processes] == [0, 0], processes[0].output() + processes[1].output()
    tables = [json.loads((place / "results.json").read_text()) for place in places]
    assert tables[0] == tables[1] and len(tables[0]["points"]) == 3
    assert list(trials(server, url).values()) == [["COMPLETE"]] * 3


@pytest.mark.parametrize("content", [{}, {"scores": {"dev": "high", "test": None, "clean_test": None}, "data": {}}])
def test_results_of_a_stranger_are_looked_at(
    small: Path, run: Run, tmp_path: Path, server: Server, url: str, content: dict[str, Any]
) -> None:
    worker = ("sweep", small, "--storage", url, "--worker", "-s", tmp_path / "sweep")
    assert run(*worker).returncode == 0
    server.execute(
        f"UPDATE trial_user_attributes SET value_json = '{json.dumps(content)}' WHERE key = 'result'",
        url.rpartition("/")[2],
    )
    told = run(*worker, "--report")
    assert told.returncode == 2 and "--storage: sweep: base-13: missing or damaged (scores" in told.stderr, told.stderr
