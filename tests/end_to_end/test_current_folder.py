"""Verbs in a folder that a stranger has prepared: nothing that lies there is run or read."""

import subprocess
import sys
from pathlib import Path

import pytest

import mtlkit
from mtlkit.runs.transfer.jobs import Job, run_jobs
from tests.traps import INSTALLED, MISSING, STDLIB, Trap, of_python_itself

ROOT = Path(mtlkit.__file__).parents[1]


@pytest.fixture
def trap(elsewhere, tmp_path):
    """The current folder is a trap, but for what `python -m` itself would fall into."""
    (tmp_path / "told").mkdir()
    return Trap(elsewhere, tmp_path / "told", (STDLIB | INSTALLED | MISSING) - of_python_itself())


@pytest.mark.slow(seconds=6)
def test_a_job_runs_nothing_of_the_current_folder(trap, tmp_path):
    (trap.folder / "mtlkit").mkdir()
    (trap.folder / "mtlkit" / "__init__.py").write_text("raise SystemExit(77)")
    log = tmp_path / "job.log"
    codes = run_jobs([Job("components", ("components", "tokenizer"), log)], 1)
    assert (codes, trap.ran) == ({"components": 0}, set()), log.read_text()


@pytest.mark.slow(seconds=12)
def test_a_report_runs_and_reads_nothing_of_the_current_folder(trap, archive, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "mtlkit", "report", str(archive.parent), "-o", str(page)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, trap.ran) == (0, set()), done.stderr
    assert page.exists() and "matplotlibrc" not in done.stderr


@pytest.mark.slow(seconds=6)
def test_a_job_runs_the_mtlkit_that_started_it(elsewhere, tmp_path, monkeypatch):
    """Also one that is on no path, as in a checkout where `python -m mtlkit` was typed."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    (tmp_path / "other" / "mtlkit").mkdir(parents=True)
    (tmp_path / "other" / "mtlkit" / "__init__.py").write_text("raise SystemExit('the other one')")
    log = tmp_path / "job.log"
    assert run_jobs([Job("version", ("--version",), log)], 1) == {"version": 0}, log.read_text()
    assert log.read_text() == f"{mtlkit.__version__}\n"
