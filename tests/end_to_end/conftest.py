"""A small experiment on generated text, and the command line."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mtlkit.cli import main
from mtlkit.files.ownership import own_folder
from tests.soak.forked import Circumstances, Forked


def small_experiment(folder: Path, make_corpus: Callable[[Path, int, int], None]) -> dict[str, Any]:
    """Two tasks, indirect communication, dropout; learns in seconds. Its texts are written into the folder."""
    tasks = {}
    for number, name in enumerate(["books", "films"]):
        files = {split: folder / f"{name}.{split}.tsv" for split in ("train", "dev", "test")}
        for offset, (split, path) in enumerate(files.items()):
            make_corpus(path, 60 if split == "train" else 20, 10 * number + offset)
        sources = {split: str(path) for split, path in files.items()}
        tasks[name] = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, **sources}
    return {
        "tasks": tasks,
        "model": {
            "embedder": {"type": "words", "dim": 12, "dropout": 0.2},
            "sharing": {"type": "message_passing", "hidden_dim": 12, "communicator": {"type": "indirect"}},
            "dropout": 0.2,
        },
        "trainer": {"epochs": 4, "batch_size": 4, "optimizer": {"type": "adam", "lr": 0.01}, "checkpoint_every": 3},
    }


@pytest.fixture
def experiment(tmp_path: Path, make_corpus: Callable[[Path, int, int], None]) -> dict[str, Any]:
    """The small experiment, with texts of its own."""
    return small_experiment(tmp_path, make_corpus)


@pytest.fixture(scope="session")
def trained_once(
    once: Callable[[str, Callable[[Path], object]], Path],
    make_corpus: Callable[[Path, int, int], None],
    compiled_kernels: Path,
    known_archives: Path,
) -> Callable[..., Path]:
    """Trains the small experiment with another sharing scheme or trainer: once under each name, for tests that copy it.

    What `train(name, sharing=..., trainer=...)` returns is the run's directory.
    """

    def train(name: str, sharing: dict[str, Any] | None = None, trainer: dict[str, Any] | None = None) -> Path:
        def fill(folder: Path) -> None:
            experiment = small_experiment(folder, make_corpus)
            experiment["model"]["sharing"] = sharing or experiment["model"]["sharing"]
            experiment["trainer"] = trainer or experiment["trainer"]
            file, errors = folder / "experiment.json", io.StringIO()
            file.write_text(json.dumps(experiment))
            own_folder(folder / "cache")
            for kept in (compiled_kernels, known_archives):
                (folder / "cache" / kept.name).symlink_to(kept, target_is_directory=True)
            with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
                patch.setenv("MTLKIT_CACHE", str(folder / "cache"))
                patch.setattr(sys, "argv", ["mtlkit", "train", str(file), "-s", str(folder / "run")])
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
                    main()
            assert not ended.value.code, errors.getvalue()

        return once(name, fill) / "run"

    return train


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes an experiment as a file."""

    def write_experiment(value: dict[str, Any]) -> Path:
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps(value))
        return path

    return write_experiment


@pytest.fixture
def elsewhere(tmp_path: Path, compiled_kernels: Path, known_archives: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and a cache that has compiled kernels and knows the archives of other tests."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    own_folder(tmp_path / "cache")
    for kept in (compiled_kernels, known_archives):
        (tmp_path / "cache" / kept.name).symlink_to(kept, target_is_directory=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def start(elsewhere: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts `mtlkit` with these arguments as a process of its own, which can be killed."""

    def start_process(*arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mtlkit", *map(str, arguments)]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return start_process


@pytest.fixture
def fork(elsewhere: Path, tmp_path: Path) -> Iterator[Callable[..., Forked]]:
    """Starts `mtlkit` in a process that is forked from one with all imports, so that it takes no time. It has the
    current folder and the environment of the test, so the cache of `run`, and is killed at the test's end.
    """
    started: list[Forked] = []

    def start_process(*arguments: str | Path, **circumstances: Any) -> Forked:
        environment = tuple(os.environ.items())  # the server's is that of the test that was the first to need it
        log = tmp_path / f"fork-{len(started)}.log"
        started.append(Forked(arguments, log, Circumstances(environment=environment, **circumstances)))
        return started[-1]

    yield start_process
    for process in started:
        process.kill()


@pytest.fixture
def run(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `mtlkit` to its end inside this process: the same entry point, without the seconds that imports take."""

    def run_main(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        command = ["mtlkit", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(command, ended.value.code or 0, out, err)

    return run_main


@pytest.fixture
def archive(trained_once: Callable[..., Path], elsewhere: Path, tmp_path: Path) -> Path:
    """The archive of a run of one epoch, which a test may change."""
    shutil.copytree(trained_once("archive", trainer={"epochs": 1}), tmp_path / "run")
    return tmp_path / "run" / "archive.tar.gz"
