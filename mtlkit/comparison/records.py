"""Finished runs that can be compared, read from run directories or kept result files, and grouped into systems."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlkit.archive.documents import parse_json
from mtlkit.config import Spec
from mtlkit.errors import RunError
from mtlkit.figures import Figure
from mtlkit.files import read_bounded
from mtlkit.on_disk.runs import LARGEST_DOCUMENT, REMEDY
from mtlkit.runs import RunDirectory
from mtlkit.runs.basis import Basis, basis_of
from mtlkit.runs.documents import RunFigures, checked


class KeptRun(Spec, extra="allow"):
    """What is read of a JSON file that docs/results/collect.py made of a run."""

    arguments: list[str]
    seed: int
    data: dict[str, str]
    metrics: RunFigures
    limit: int | None = None


@dataclass(frozen=True)
class RunRecord:
    """What a comparison needs to know about one finished run."""

    path: Path
    seed: int
    figures: Mapping[str, Mapping[str, float]]
    """The value of each figure, by split and by the figure's name."""
    basis: Basis
    """What the run was trained and scored on, as far as it recorded it."""
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


def _from_directory(path: Path) -> RunRecord:
    run = RunDirectory(path)
    if not run.is_run:
        raise RunError(f"{path}: {run.not_a_run}; {REMEDY}")
    if not run.metrics.exists():
        raise RunError(f"{path}: its run is not finished; go on with it by mtlkit train ... --resume")
    meta, resolved = run.read_meta(), run.read_resolved()
    alike = {"resolved": {name: value for name, value in resolved.items() if name != "seed"}}
    return _record(path, meta, run.read_metrics(), alike, basis_of(meta, resolved), run.predictions)


def _from_file(path: Path) -> RunRecord:
    if path.name.endswith(".tar.gz"):
        raise RunError(f"{path}: is an archive, which keeps no figures; give the run's directory")
    kept = checked(path, KeptRun, parse_json(read_bounded(path, LARGEST_DOCUMENT), finite=False), "collect it again")
    alike = {"arguments": _less_seed(kept["arguments"])}
    return _record(path, kept, kept["metrics"], alike, basis_of(kept, None), None)


def _record(
    path: Path,
    meta: Mapping[str, Any],
    metrics: Mapping[str, Any],
    alike: Mapping[str, Any],
    basis: Basis,
    predictions: Path | None,
) -> RunRecord:
    figures = {split: dict(metrics[split]) for split in ("dev", "test")}
    for name in (name for values in figures.values() for name in values):
        Figure.parse(name)
    return RunRecord(
        path,
        seed=int(meta["seed"]),
        figures=figures,
        basis=basis,
        predictions=predictions,
        system=json.dumps({**alike, "limit": meta.get("limit")}, sort_keys=True),
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
