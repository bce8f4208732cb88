"""Runs that are killed, again and again, and gone on with: do they come to the bits of one that never was?

Every system is trained once to its end. Then it is trained again and killed (SIGKILL) several times, each time at a
random moment or while a checkpoint is being written, gone on with by `--resume`, and at last left to its end. All files
of the two directories must then be the same, byte for byte, but for what says when and how they were made:
`meta.json` and its copy in the archive.
"""

import json
import random
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, final

import torch

from tests.soak.counts import Counts
from tests.soak.forked import Circumstances, Forked, link_kernels, run_forked
from tests.soak.systems import write_systems

MOST_KILLS = 4
"""Of one run."""
ABOUT_MAKING = ("meta.json",)
PATIENCE_SECONDS = 900.0


def soak(seconds: float, seed: int, *, kills: int = 50, systems: int | None = None) -> Counts:
    """Kills runs of all systems in turn, for so many seconds and until there were so many kills.

    As the caller computes, with deterministic algorithms or without, so do the runs.

    Args:
        seconds: how long, at least.
        seed: of the moments.
        kills: how many, at least.
        systems: only so many, drawn at random; None takes all, each at least once.
    """
    with tempfile.TemporaryDirectory(prefix="mtlkit-soak-") as folder:
        link_kernels(Path(folder, "cache"))
        generator = random.Random(seed)
        files = write_systems(Path(folder))
        names = [*files] if systems is None else generator.sample([*files], systems)
        soaking = Soak(Path(folder), files, generator)
        end = time.monotonic() + seconds
        attempts = cycle(names)
        for name in names:
            soaking.attempt(name)
        while soaking.counts.tried < kills or time.monotonic() < end:
            soaking.attempt(next(attempts))
        return soaking.counts


@final
class Soak:
    """The runs of one soak, below a folder."""

    def __init__(self, folder: Path, files: dict[str, Path], generator: random.Random) -> None:
        self.folder = folder
        self.files = files
        self.generator = generator
        cache = ("MTLKIT_CACHE", str(folder / "cache"))
        self.circumstances = Circumstances(torch.are_deterministic_algorithms_enabled(), environment=(cache,))
        self.counts = Counts()
        self._whole: dict[str, Whole] = {}
        self._number = 0

    def attempt(self, name: str) -> None:
        """Kills a run of a system a few times, and compares what becomes of it."""
        whole = self._whole_run(name)
        self._number += 1
        directory = self.folder / f"{name}-{self._number}"
        kills = 0
        for _ in range(self.generator.randint(1, MOST_KILLS)):
            process = self._start(name, directory)
            killed = self._kill(process, directory, whole.seconds)
            kills += killed
            self._look_for_traceback(process, name)
            if not killed:
                break
        goes_on = is_under_way(directory)
        process = self._start(name, directory)
        code = process.wait(PATIENCE_SECONDS)
        self._look_for_traceback(process, name)
        different = [f"ended with {code}: {process.output()[-300:]}"] if code else differing(whole.directory, directory)
        if goes_on and "resuming after step" not in process.output():
            different.append("began again, though there was a checkpoint")
        self.counts.tried += kills
        if different:
            self.counts.lost += 1
            self.counts.failures.append(f"kills: run {self._number}, {name}, {kills} kills: {', '.join(different)}")
        else:
            self.counts.survived += kills

    def _whole_run(self, name: str) -> "Whole":
        """The run that nothing befalls."""
        if name not in self._whole:
            run_forked(["--version"], self.folder / "log")  # the first process waits for the server
            directory = self.folder / name
            started = time.monotonic()
            process = self._start(name, directory)
            code = process.wait(PATIENCE_SECONDS)
            assert code == 0, f"{name} cannot be trained at all: {process.output()}"
            self._whole[name] = Whole(directory, time.monotonic() - started)
        return self._whole[name]

    def _start(self, name: str, directory: Path) -> Forked:
        goes_on = ["--resume"] if (directory / "meta.json").exists() else []
        arguments = ["train", self.files[name], "-s", directory, *goes_on]
        return Forked(arguments, self.folder / "log", self.circumstances)

    def _kill(self, process: Forked, directory: Path, seconds: float) -> bool:
        """Kills the process; False if it was faster."""
        process.wait(self.generator.uniform(0, 0.8 * seconds))
        if self.generator.random() < 0.5:
            _wait_for_half_written(process, directory)
            time.sleep(self.generator.uniform(0, 0.01))
        process.kill()
        return process.wait() != 0

    def _look_for_traceback(self, process: Forked, name: str) -> None:
        if "Traceback" in (output := process.output()):
            self.counts.tracebacks += 1
            self.counts.failures.append(f"kills: run {self._number}, {name}: {output[-600:]}")


@dataclass(frozen=True)
class Whole:
    """The run of a system that nothing befalls."""

    directory: Path
    seconds: float


def _wait_for_half_written(process: Forked, directory: Path) -> None:
    """Waits until a checkpoint is being written, or nothing more is."""
    while process.is_running:
        with suppress(FileNotFoundError):  # a folder that was seen has been put in its place
            if any(directory.glob("**/checkpoints/.step-*")):
                return
        time.sleep(0.0005)


def is_under_way(directory: Path) -> bool:
    """Whether a run, or a stage of it, has a checkpoint that it is to go on from."""
    folders = {path.parent for path in directory.glob("**/checkpoints/step-*")}
    return not all((folder / "outcome.json").exists() for folder in folders)


def differing(directory: Path, other: Path) -> list[str]:
    """What is not the same in two run directories, as ends of sentences."""
    mine, others = _contents(directory), _contents(other)
    return [
        f"{name} differs"
        for name in sorted(mine.keys() | others.keys())
        if not _equal(mine.get(name), others.get(name))
    ]


def _contents(directory: Path) -> dict[str, Any]:
    """What is in each file, and in each member of the archive."""
    found: dict[str, Any] = {}
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
        if path.name == "archive.tar.gz":
            found.update(_members(path))
        elif path.name == "state.pt":
            found[name] = torch.load(path, weights_only=True)
        elif path.is_file() and name not in ABOUT_MAKING and path.name != "files.json":
            found[name] = path.read_bytes()
    return found


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            assert stream is not None, "an archive of ours has regular files only"
            content = stream.read()
            if member.name == "manifest.json":
                about = json.loads(content)
                del about["members"]["meta.json"]
                content = json.dumps(about).encode()
            if member.name not in ABOUT_MAKING:
                yield f"archive/{member.name}", content


def _equal(left: Any, right: Any) -> bool:
    """Whether two values of a state, such as an optimiser's, are the same to the bit."""
    if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
        return left.dtype == right.dtype and left.equal(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_equal, left, right))
    return type(left) is type(right) and bool(left == right)
