"""Finished runs that can be compared, read from run directories or kept result files, and grouped into systems."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlkit.errors import RunError
from mtlkit.figures import Figure
from mtlkit.runs import RunDirectory


@dataclass(frozen=True)
class RunRecord:
    """What a comparison needs to know about one finished run."""

    path: Path
    seed: int
    figures: Mapping[str, Mapping[str, float]]
    """The value of each figure, by split and by the figure's name."""
    data: Mapping[str, str]
    """sha256 of each data file, by the file's name, or by its path where two have the same name."""
    limit: int | None
    predictions: Path | None
    """The folder of the run's predictions for single texts, which may be empty; None for a kept result file."""
    system: str
    """A key that is equal for runs that differ only in their seeds."""

    @property
    def name(self) -> str:
        """The run's name less its seed: `ic` for `runs/ic-13`, `runs/ic_seed13` and `runs/ic/13`."""
        name = self.path.name.removesuffix(".json")
        if re.fullmatch(rf"(seed|s)?[-_=]?{self.seed}", name):
            name = self.path.resolve().parent.name
        return re.sub(rf"[-_.](seed|s)?[-_=]?{self.seed}$", "", name)


@dataclass(frozen=True)
class System:
    """Runs of one experiment with different seeds."""

    name: str
    runs: Sequence[RunRecord]


def read_record(path: Path) -> RunRecord:
    """Reads a run's directory, or a JSON file that docs/results/collect.py made of one.

    Raises:
        RunError: the path is neither, or the run is not finished.
    """
    try:
        return _from_file(path) if path.is_file() else _from_directory(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise RunError(f"{path}: holds no finished run that can be read; give a run's directory") from None


def systems_of(records: Sequence[RunRecord], names: Sequence[str] = ()) -> list[System]:
    """Groups runs into systems, in the order in which each system first occurs.

    Args:
        records: the runs.
        names: a name for each system, in that order; if empty, systems are named after their first runs.

    Raises:
        RunError: two runs of a system have the same seed, or there are not as many names as systems.
    """
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        others = groups.setdefault(record.system, [])
        if twin := next((other for other in others if other.seed == record.seed), None):
            raise RunError(f"{record.path}: same experiment and seed {record.seed} as {twin.path}; give one of them")
        others.append(record)
    own = [runs[0].name for runs in groups.values()]
    if len(set(own)) < len(own):
        own = [str(runs[0].path) for runs in groups.values()]
    if names and len(names) != len(own):
        raise RunError(f"--name: {len(names)} names for {len(own)} systems, {', '.join(own)}; give one for each")
    if len(set(names)) < len(names):
        raise RunError("--name: two systems have the same name; give each its own")
    return [System(name, runs) for name, runs in zip(names or own, groups.values(), strict=True)]


def digests_by_name(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of data files, by file name, or by path where two files have the same name."""
    names = [Path(file).name for file in digests]
    return {
        name if names.count(name) == 1 else file: digest
        for name, (file, digest) in zip(names, digests.items(), strict=True)
    }


def _from_directory(path: Path) -> RunRecord:
    run = RunDirectory(path)
    if not run.is_run:
        remedy = "give a run's directory, or a file that docs/results/collect.py made of one"
        raise RunError(f"{path}: {run.not_a_run}; {remedy}")
    if not run.metrics.exists():
        raise RunError(f"{path}: its run is not finished; go on with it by mtlkit train ... --resume")
    resolved = {name: value for name, value in run.read_resolved().items() if name != "seed"}
    return _record(path, run.read_meta(), run.read_metrics(), {"resolved": resolved}, run.predictions)


def _from_file(path: Path) -> RunRecord:
    if path.name.endswith(".tar.gz"):
        raise RunError(f"{path}: is an archive, which keeps no figures; give the run's directory")
    kept = json.loads(path.read_text(encoding="utf-8"))
    return _record(path, kept, kept["metrics"], {"arguments": _less_seed(kept["arguments"])}, None)


def _record(
    path: Path, meta: Mapping[str, Any], metrics: Mapping[str, Any], alike: Mapping[str, Any], predictions: Path | None
) -> RunRecord:
    limit = meta.get("limit")
    figures = {split: dict(metrics[split]) for split in ("dev", "test")}
    for name in (name for values in figures.values() for name in values):
        Figure.parse(name)
    return RunRecord(
        path,
        seed=int(meta["seed"]),
        figures=figures,
        data=digests_by_name(meta["data"]),
        limit=limit,
        predictions=predictions,
        system=json.dumps({**alike, "limit": limit}, sort_keys=True),
    )


def _less_seed(arguments: Sequence[str]) -> list[str]:
    """A command line without the option that sets the seed."""
    kept: list[str] = []
    for word in arguments:
        if re.fullmatch(r"seed=\d+", word) and kept:
            kept.pop()
        else:
            kept.append(word)
    return kept
