"""Machines divide jobs by locks on a disk that they share: nobody takes what another has or has done."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mtlkit.runs import RunDirectory
from mtlkit.runs.transfer.queues import Job, JobList, SharedJobs
from mtlkit.types import Say, silent

NAMES = ("books", "films")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")


def finish(run: RunDirectory) -> None:
    """Leaves what a finished run does."""
    run.path.mkdir()
    run.metrics.write_text("{}")
    run.meta.write_text(json.dumps({"kind": "mtlkit run", "finished": "now"}))


Machine = Callable[..., SharedJobs]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Makes the jobs as a machine sees them that shares the folder of the test."""
    runs = {name: RunDirectory(tmp_path / name) for name in NAMES}
    with ExitStack() as stack:

        def job(name: str, begun: bool) -> Job:
            return Job(name, ("train", *(["--resume"] if begun else [])), tmp_path / f"{name}.log")

        def make(say: Say = silent) -> SharedJobs:
            return stack.enter_context(closing(SharedJobs(runs, job, say)))

        yield make


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines look again at once."""
    monkeypatch.setattr("mtlkit.runs.transfer.queues.LOOK_SECONDS", 0.0)


def test_a_list_is_taken_in_order() -> None:
    jobs = JobList([Job(name, (), Path(name)) for name in NAMES])
    assert [job.name for job in iter(jobs.take, None)] == list(NAMES) and jobs.is_over
    assert jobs.done_elsewhere() == ()


def test_each_job_is_taken_once_and_done_once(tmp_path: Path, machine: Machine) -> None:
    said: list[str] = []
    one, two = machine(), machine(said.append)
    first, second = one.take(), two.take()
    assert first is not None and second is not None and (first.name, second.name) == NAMES
    assert one.take() is None and two.take() is None
    assert said == ["waiting for what other machines are at: books"]
    assert two.take() is None and len(said) == 1, "it is said once"
    finish(RunDirectory(tmp_path / "books"))
    one.ended(first)
    assert not two.is_over and two.take() is None
    assert two.is_over and two.done_elsewhere() == ["books"]


def test_what_has_failed_elsewhere_is_tried_here_and_goes_on(tmp_path: Path, machine: Machine) -> None:
    one, two = machine(), machine()
    jobs = [one.take(), one.take()]
    assert one.is_over and two.take() is None and not two.is_over
    run = RunDirectory(tmp_path / "books")
    run.path.mkdir()
    run.meta.write_text(json.dumps({"kind": "mtlkit run"}))
    assert jobs[0] is not None and "--resume" not in jobs[0].arguments
    one.ended(jobs[0])
    with run.locked():  # by a child that still writes its checkpoint
        assert two.take() is None
    taken = two.take()
    assert taken is not None and taken.name == "books" and "--resume" in taken.arguments
    assert one.take() is None, "no machine tries what has failed there"


def test_what_a_killed_machine_had_is_free(tmp_path: Path, machine: Machine) -> None:
    code = (
        "import sys, time; from pathlib import Path; from mtlkit.files import open_lock, take_lock; "
        "lock = open_lock(Path(sys.argv[1])); print(take_lock(lock), flush=True); time.sleep(600)"
    )
    claim = str(tmp_path / ".books.claim")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code, claim], stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout is not None and other.stdout.readline() == b"True\n"
        here = machine()
        first = here.take()
        assert first is not None and first.name == "films"
        other.kill()
        other.wait()
    second = here.take()
    assert second is not None and second.name == "books"
