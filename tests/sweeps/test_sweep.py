"""Who is at a run, and how far it is, are read from its directory."""

import json
from pathlib import Path

from mtlkit.runs import RunDirectory
from mtlkit.sweeps import Point, SweepRun


def test_a_run_is_in_use_while_its_lock_is_held_and_not_because_of_a_file(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    assert not directory.in_use
    with directory.locked():
        assert directory.in_use
        assert directory.in_use, "looking does not take the lock away"
    assert not directory.in_use
    (tmp_path / ".run.lock").touch()  # what a killed process leaves
    assert not directory.in_use


def test_the_state_of_a_run(tmp_path: Path) -> None:
    run = SweepRun(Point({}), 13, RunDirectory(tmp_path / "base-13"))
    assert (run.state, run.is_settled, run.failure) == ("open", False, None)
    with run.directory.locked():
        assert run.state == "at work"
    run.directory.path.mkdir()
    meta = {"kind": "mtlkit run"}
    run.directory.meta.write_text(json.dumps(meta))
    assert (run.state, run.is_settled) == ("begun", False)
    run.fail("out of memory")
    assert (run.state, run.is_settled, run.failure) == ("failed", True, "out of memory")
    run.failure_file.unlink()
    run.directory.metrics.write_text("{}")
    assert (run.state, run.is_settled) == ("begun", False), "figures are written before the run is marked as finished"
    run.directory.meta.write_text(json.dumps({**meta, "finished": "now"}))
    assert (run.state, run.is_settled) == ("finished", True)
