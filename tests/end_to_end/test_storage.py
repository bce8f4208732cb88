"""Storage that fails: each fault is told in one sentence, ends with exit code 2, and loses nothing that was complete.

The limits are real: RLIMIT_FSIZE stands for a full disk, and a process of root's gives up what lets it pass over
permissions.
"""

import errno
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtlkit.errors import RunError
from mtlkit.runs import train as train_experiment
from tests.soak.forked import Circumstances, Forked, link_kernels, run_forked
from tests.soak.kills import differing
from tests.soak.systems import write_systems

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and privileges are those of Linux")
Start = Callable[..., Forked]
Train = Callable[..., tuple[int | None, str]]
SYSTEM = "indirect"


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the experiment files of the soak and a cache."""
    folder = tmp_path_factory.mktemp("systems")
    link_kernels(folder / "cache")
    write_systems(folder)
    return folder


@pytest.fixture(scope="module")
def whole(systems: Path) -> Path:
    """A run that nothing befalls."""
    circumstances = Circumstances(environment=(("MTLKIT_CACHE", str(systems / "cache")),))
    arguments = ["train", systems / f"{SYSTEM}.json", "-s", systems / "whole"]
    code, output = run_forked(arguments, systems / "log", circumstances)
    assert code == 0, output
    return systems / "whole"


@pytest.fixture
def start(systems: Path, tmp_path: Path) -> Start:
    """Starts a training into `tmp_path / "run"`; faults are given as fields of `Circumstances`."""

    def start_training(*options: str, **faults: Any) -> Forked:
        circumstances = Circumstances(environment=(("MTLKIT_CACHE", str(systems / "cache")),))
        arguments = ["train", systems / f"{SYSTEM}.json", "-s", tmp_path / "run", *options]
        return Forked(arguments, tmp_path / "log", replace(circumstances, **faults))

    return start_training


@pytest.fixture
def train(start: Start) -> Train:
    """Trains to the end: exit code and output."""

    def run_training(*options: str, **faults: Any) -> tuple[int | None, str]:
        process = start(*options, **faults)
        return process.wait(), process.output()

    return run_training


@pytest.fixture
def begun(start: Start, tmp_path: Path) -> Path:
    """A run that was killed when it had two checkpoints."""
    process = start()
    process.wait_until(lambda: has_two_checkpoints(tmp_path / "run"))
    process.kill()
    return tmp_path / "run"


def has_two_checkpoints(directory: Path) -> bool:
    return len(list(directory.glob("checkpoints/step-*"))) >= 2


def newest(directory: Path) -> Path:
    return max(directory.glob("checkpoints/step-*"))


def assert_one_sentence(code: int | None, output: str, *parts: str) -> None:
    """The last line says where, what and what to do about it; there is no traceback."""
    assert code == 2, output
    assert "Traceback" not in output
    assert all(part in output.splitlines()[-1] for part in parts), output


def assert_goes_on(train: Train, directory: Path, whole: Path) -> str:
    """To the bits of a run that nothing befell."""
    code, output = train(*(["--resume"] if (directory / "meta.json").exists() else []))
    assert code == 0, output
    assert differing(directory, whole) == []
    return output


@pytest.mark.parametrize("largest_file", [3000, 5000, 20000], ids=["experiment", "weights", "state"])
def test_a_disk_that_is_full(train: Train, whole: Path, tmp_path: Path, largest_file: int) -> None:
    """It is met when the run's directory, its first weights or the first state no longer fit."""
    run = tmp_path / "run"
    assert_one_sentence(*train(largest_file=largest_file), str(run), "File too large", "room" if run.exists() else "-s")
    assert not list(run.glob("checkpoints/*")) and not list(tmp_path.glob(".run*"))
    assert_goes_on(train, run, whole)


def test_the_file_that_cannot_be_written_is_named(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], tmp_path: Path
) -> None:
    """It need not be one of the run's: a logger may have its own."""

    class Lost:
        def stage(self, name: str | None, epochs: int) -> None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", "elsewhere/events")

        def step(self, step: object) -> None: ...

        def epoch(self, end: object) -> None: ...

        def close(self) -> None: ...

    with pytest.raises(RunError, match=r"\(No such file or directory: elsewhere/events\); nothing .* --resume"):
        train_experiment(write(experiment), tmp_path / "run", device="cpu", listeners=[Lost()])


def test_a_disk_that_fills_up(start: Start, train: Train, whole: Path, tmp_path: Path) -> None:
    run, process = tmp_path / "run", start()
    process.wait_until(lambda: has_two_checkpoints(run))
    process.fill_disk(5000)
    code = process.wait()
    assert_one_sentence(code, process.output(), str(run), "File too large", "make room", "go on with --resume")
    assert len(list(run.glob("checkpoints/step-*"))) == 2
    assert "resuming after step" in assert_goes_on(train, run, whole)


def test_a_folder_that_cannot_be_written(train: Train, tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    tmp_path.chmod(0o555)
    try:
        code, output = train(bound=True)
    finally:
        tmp_path.chmod(0o755)
    assert_one_sentence(code, output, str(tmp_path / "run"), "cannot be made (Permission denied)", "-s")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_run_that_can_no_longer_be_written(train: Train, begun: Path, whole: Path) -> None:
    (begun / "checkpoints").chmod(0o555)
    try:
        code, output = train("--resume", bound=True)
    finally:
        (begun / "checkpoints").chmod(0o755)
    assert_one_sentence(code, output, str(begun), "Permission denied", "go on with --resume")
    assert_goes_on(train, begun, whole)


def test_a_cache_that_cannot_be_written(train: Train, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    code, output = train(environment=(("MTLKIT_CACHE", str(tmp_path / "cache")),))
    assert_one_sentence(code, output, str(tmp_path / "cache"), "Not a directory", "set MTLKIT_CACHE")
    assert not (tmp_path / "run").exists()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "flipped": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "emptied": lambda content: b"",
}


@pytest.mark.parametrize(
    ("file", "damage"), [("state.pt", "cut"), ("model.safetensors", "flipped"), ("files.json", "emptied")]
)
def test_a_damaged_checkpoint(train: Train, begun: Path, whole: Path, file: str, damage: str) -> None:
    damaged = newest(begun) / file
    damaged.write_bytes(DAMAGES[damage](damaged.read_bytes()))
    assert f"{damaged.parent}: damaged (" in assert_goes_on(train, begun, whole)


def test_damaged_checkpoints_alone_are_an_error(train: Train, begun: Path) -> None:
    for folder in begun.glob("checkpoints/step-*"):
        (folder / "state.pt").unlink()
    assert_one_sentence(*train("--resume"), str(begun), "every checkpoint is damaged", "start over with --force")


@pytest.mark.parametrize("damage", DAMAGES)
def test_best_weights_come_back_out_of_a_checkpoint(
    train: Train, whole: Path, start: Start, tmp_path: Path, damage: str
) -> None:
    """Without a word of it to anyone: nothing is lost. A file that is written again leaves its second name alone."""
    run, process = tmp_path / "run", start()
    process.wait_until(lambda: any(run.glob("checkpoints/step-*/best-model.safetensors")))
    process.kill()
    best = run / "checkpoints" / "best-model.safetensors"
    content = best.read_bytes()
    best.unlink()
    best.write_bytes(DAMAGES[damage](content))
    assert_goes_on(train, run, whole)


def test_a_log_that_has_lost_its_end(start: Start, train: Train, whole: Path, tmp_path: Path) -> None:
    run, process = tmp_path / "run", start()
    process.wait_until(lambda: any(run.glob("checkpoints/step-*/best-model.safetensors")))
    process.kill()
    log = run / "metrics.jsonl"
    before = log.read_bytes()
    log.write_bytes(before[:-9])
    assert_one_sentence(*train("--resume"), str(log), "its end is missing", "start over with --force")
    log.write_bytes(before)
    assert_goes_on(train, run, whole)


def test_two_processes_with_one_empty_cache(systems: Path, whole: Path, tmp_path: Path) -> None:
    """Both index the same corpora at once; whoever is slower takes what is there."""
    link_kernels(tmp_path / "cache")
    circumstances = Circumstances(environment=(("MTLKIT_CACHE", str(tmp_path / "cache")),))
    runs = [tmp_path / "left", tmp_path / "right"]
    processes = [
        Forked(["train", systems / f"{SYSTEM}.json", "-s", run], run.with_suffix(".log"), circumstances) for run in runs
    ]
    for process, run in zip(processes, runs, strict=True):
        assert process.wait() == 0, process.output()
        assert differing(run, whole) == []
    assert not list((tmp_path / "cache" / "corpora").glob(".*"))
