"""A process that is asked to end leaves no temporary folder, and training leaves a checkpoint."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mtlkit.process.interrupts import ENDING
from tests.end_to_end.test_damaged_runs import folder, kept  # noqa: F401  # fixtures

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
Run = Callable[..., subprocess.CompletedProcess[str]]
MTLKIT = [sys.executable, "-P", "-m", "mtlkit"]


@pytest.fixture
def at(folder: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> Path:  # noqa: F811
    """The folder of a run as the current one, and in it a folder `temporary` for temporary files."""
    monkeypatch.chdir(folder)
    (folder / "temporary").mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(folder / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


WORK = {
    "evaluate": ("evaluate run --output f.json", "mtlkit.runs.evaluate", "predictions_of"),
    "predict": ("predict run in.txt --output f.json", "mtlkit.runs", "as_line"),
    "explain": ("explain run warm --task books --output f.json", "mtlkit.runs.explain", "recognize"),
    "report": ("report run --output f.html", "mtlkit.report.reading.sources", "observe"),
}


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize(("command", "module", "name"), WORK.values(), ids=WORK)
def test_a_verb_that_is_ended_leaves_nothing_behind(
    at: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str, module: str, name: str, number: signal.Signals
) -> None:
    (at / "in.txt").write_text("a warm film\n")
    unpacked: list[list[str]] = []

    def end(*_: Any, **__: Any) -> None:
        unpacked.append([path.name for path in at.glob("temporary/mtlkit-*/weights")])
        os.kill(os.getpid(), number)

    monkeypatch.setattr(import_module(module), name, end)
    before = signal.getsignal(number)
    result = run(*command.split())
    assert result.returncode == 128 + number and result.stderr.endswith("interrupted\n"), result.stderr
    assert unpacked == [["weights"]] and list((at / "temporary").iterdir()) == []
    assert not list(at.glob("*f.*")) and not list(at.glob(".f.*")) and signal.getsignal(number) == before


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_process_that_waits_for_input_is_ended(at: Path, number: signal.Signals) -> None:
    process = subprocess.Popen([*MTLKIT, "predict", "run", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list(at.glob("temporary/mtlkit-*/meta.json")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 128 + number and errors == b"interrupted\n"
    assert list((at / "temporary").iterdir()) == []


def newest_step(directory: Path) -> int:
    return max(int(path.name.removeprefix("step-")) for path in directory.glob("checkpoints/step-*"))


def begun(directory: Path) -> bool:
    return any(directory.glob("checkpoints/step-*/files.json"))


@pytest.mark.skipif(shutil.which("setsid") is None, reason="this system has no setsid")
@pytest.mark.parametrize("nohup", [False, True])
def test_training_in_a_terminal_that_is_closed(at: Path, nohup: bool) -> None:
    """It ends with a checkpoint, though nothing can be shown any more. Under `nohup` it goes on to its end."""
    ours, theirs = pty.openpty()
    epochs = 400 if not nohup else 60
    options = ["-o", f"trainer.epochs={epochs}", "-o", "trainer.checkpoint_every=1"]
    command = [*(["nohup"] if nohup else []), *MTLKIT, "train", "e.json", "-s", "long", *options]
    process = subprocess.Popen(["setsid", "-c", *command], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    while not begun(at / "long"):
        assert process.poll() is None
        time.sleep(0.02)
    os.close(ours)
    code = process.wait()
    if nohup:
        assert code == 0 and (at / "long" / "metrics.json").exists()
        return
    assert code == 128 + signal.SIGHUP and not (at / "long" / "metrics.json").exists()
    assert begun(at / "long") and not list(at.glob(".long*")) and list((at / "temporary").iterdir()) == []
    before = f"resuming after step {newest_step(at / 'long')}"
    process = subprocess.Popen([*command, "--resume"], stderr=subprocess.PIPE)
    assert process.stderr is not None and any(before in line.decode() for line in process.stderr)
    process.kill()
    process.communicate()
