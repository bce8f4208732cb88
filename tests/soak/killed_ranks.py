"""Runs of two processes of which one is killed at a random moment: does the other one end, and do two or one go on?

Systems without dropout, of which processes draw other numbers than one does, are trained once by two processes. Then
they are trained again: either process is killed (SIGKILL), the other one must end by itself with a sentence, and two
processes or one go on by `--resume`, several times. The losses of all epochs must then be those of the first run: the
same numbers where two have done all of it, and otherwise the same up to rounding.
"""

import json
import math
import random
import socket
import tempfile
import time
from itertools import count, cycle
from pathlib import Path
from typing import Any, final

import torch

from tests.soak.counts import Counts
from tests.soak.forked import Circumstances, Forked, link_kernels
from tests.soak.systems import write_systems

SYSTEMS = ("direct", "parallel_shared_private", "cross_stitch", "adversarial_shared_private")
RANKS, MOST_KILLS = 2, 2
SECONDS, PATIENCE_SECONDS = 30, 300.0
"""After which a process counts as lost, and how long the soak waits for one to end."""
ROUNDING = 1e-3


def soak(seconds: float, seed: int, *, kills: int = 6) -> Counts:
    """Kills processes of all systems in turn, for so many seconds and until there were so many kills.

    Args:
        seconds: how long, at least.
        seed: of the moments.
        kills: how many, at least.
    """
    with tempfile.TemporaryDirectory(prefix="mtlkit-soak-") as folder:
        link_kernels(Path(folder, "cache"))
        soaking = Soak(Path(folder), random.Random(seed))
        end = time.monotonic() + seconds
        for name in cycle(SYSTEMS):
            if soaking.counts.tried >= kills and time.monotonic() >= end:
                return soaking.counts
            soaking.attempt(name)
    raise AssertionError("systems are tried without end")


@final
class Soak:
    """The runs of one soak, below a folder."""

    def __init__(self, folder: Path, generator: random.Random) -> None:
        self.folder, self.generator, self.counts = folder, generator, Counts()
        self.files = {name: _without_dropout(file) for name, file in write_systems(folder).items() if name in SYSTEMS}
        self._whole: dict[str, tuple[Path, float]] = {}
        self._numbers = count(1)

    def attempt(self, name: str) -> None:
        """Kills processes of one run a few times, and compares what becomes of it."""
        whole, seconds = self._whole_run(name)
        directory = self.folder / f"{name}-{next(self._numbers)}"
        kills, failures = 0, list[str]()
        for _ in range(self.generator.randint(1, MOST_KILLS)):
            processes = self._start(name, directory, RANKS)
            lost = self.generator.randrange(RANKS)
            processes[lost].wait(self.generator.uniform(0, 0.9 * seconds))
            processes[lost].kill()
            code = processes[1 - lost].wait(PATIENCE_SECONDS)
            if processes[lost].wait() == 0:
                break
            kills += 1
            failures += _told_badly(code, processes[1 - lost].output())
        by = self.generator.choice((1, RANKS))
        ended = self._start(name, directory, by)
        codes = [process.wait(PATIENCE_SECONDS) for process in ended]
        if any(codes):
            failures.append(f"ended with {codes}: {ended[0].output()[-300:]}")
        else:
            failures += _differing(whole, directory, exact=by == RANKS)
        self._count(kills, failures, f"killed ranks: {directory.name}, gone on with by {by}")

    def _count(self, kills: int, failures: list[str], what: str) -> None:
        self.counts.tried += kills
        if not failures:
            self.counts.survived += kills
            return
        self.counts.lost += 1
        self.counts.tracebacks += any("Traceback" in failure for failure in failures)
        self.counts.failures.append(f"{what}: {', '.join(failures)}")

    def _whole_run(self, name: str) -> tuple[Path, float]:
        """The directory of the run that nothing befalls, and how many seconds it took."""
        if name not in self._whole:
            directory, started = self.folder / name, time.monotonic()
            processes = self._start(name, directory, RANKS)
            codes = [process.wait(PATIENCE_SECONDS) for process in processes]
            assert not any(codes), f"{name} cannot be trained at all: {processes[0].output()}"
            self._whole[name] = directory, time.monotonic() - started
        return self._whole[name]

    def _start(self, name: str, directory: Path, number: int) -> list[Forked]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        shared = {"MTLKIT_CACHE": str(self.folder / "cache"), "MTLKIT_PROCESS_TIMEOUT": str(SECONDS)}
        if number > 1:
            shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
            shared |= {"WORLD_SIZE": str(number), "LOCAL_WORLD_SIZE": str(number)}
        arguments = ["train", self.files[name], "-s", directory, *(["--resume"] * (directory / "meta.json").exists())]
        processes = []
        for rank in range(number):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)} if number > 1 else {}
            about = Circumstances(
                torch.are_deterministic_algorithms_enabled(), environment=tuple((shared | own).items())
            )
            processes.append(Forked(arguments, self.folder / f"log-{rank}", about))
        return processes


def _without_dropout(file: Path) -> Path:
    """Writes an experiment again, whose losses do not depend on how many processes compute them."""

    def without(part: dict[str, Any]) -> dict[str, Any]:
        return {**part, "dropout": 0.0} if "dropout" in part else part

    experiment = json.loads(file.read_text(), object_hook=without)
    experiment["trainer"]["optimizer"] = {"type": "sgd", "lr": 0.1}
    experiment["trainer"].pop("records", None)  # of which some are not for several processes
    file.write_text(json.dumps(experiment))
    return file


def _told_badly(code: int | None, output: str) -> list[str]:
    """What is wrong with how the process ended that was not killed."""
    if "Traceback" in output:
        return [output[-600:]]
    return [] if code in (0, 2) else [f"the other process ended with {code}: {output[-300:]}"]


def _differing(whole: Path, directory: Path, *, exact: bool) -> list[str]:
    """The epochs whose losses are not those of the whole run."""
    files = (directory / "metrics.jsonl", whole / "metrics.jsonl")
    ours, theirs = ([json.loads(line) for line in file.read_text().splitlines()] for file in files)
    if len(ours) != len(theirs):
        return [f"has {len(ours)} epochs, and not {len(theirs)}"]
    pairs = zip(ours, theirs, strict=True)
    return [f"epoch {number} differs" for number, pair in enumerate(pairs, 1) if not _same(*pair, exact=exact)]


def _same(line: dict[str, Any], other: dict[str, Any], *, exact: bool) -> bool:
    if exact:
        return line == other
    losses, others = line["train"], other["train"]
    return losses.keys() == others.keys() and all(
        math.isclose(losses[name], others[name], rel_tol=ROUNDING) for name in losses
    )
