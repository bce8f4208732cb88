"""Baseline figures: the test figures of another way to learn the same tasks, against which gains are measured."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, data_hashes
from mtlkit.figures import NOTES, Figure
from mtlkit.files import read_bounded
from mtlkit.on_disk.runs import LARGEST_DOCUMENT
from mtlkit.runs.basis import basis_of
from mtlkit.runs.comparable import differences_of_bases
from mtlkit.runs.directory import RunDirectory


def baseline_figures(path: Path, experiment: Experiment, tasks: Sequence[str], limit: int | None) -> dict[str, float]:
    """Reads the test figures of a baseline, as shares of 1 by their names (`task/metric`).

    Args:
        path: a run directory, the archive in one, or a JSON file of figures.
        experiment: the experiment that is compared with the baseline.
        tasks: the tasks that are compared.
        limit: the number of texts to which each split of the experiment is limited; None for no limit.

    Raises:
        ConfigError: the path has no figures, or none for one of the tasks, or they were computed on other data, as far
            as the data are known.
        RunError: a file of the run is damaged.
    """
    if not path.exists():
        raise ConfigError(
            f"--baseline {path}: is not there; give the directory of a finished run, or a file of figures"
        )
    try:
        value, about, resolved = _read(path)
        found = _test_figures(value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(
            f"--baseline {path}: has no test figures; give the directory of a finished run, or a JSON file that "
            "`mtlkit evaluate --output` wrote"
        ) from None
    for task in tasks:
        # Without the data it is not known whether the first metric fits them, or one after it takes its place.
        names = [str(Figure(task, metric.component.headline)) for metric in experiment.tasks[task].scorers()]
        if not found.keys() & set(names):
            raise ConfigError(f"--baseline {path}: has no test figure {names[0]}; give a run on the same tasks")
    _check_same_data(path, about, experiment, limit)
    ours = basis_of({"limit": limit, "data": data_hashes(experiment)}, experiment.to_json())
    places = [(task, "test") for task in tasks]
    if differing := next(differences_of_bases(ours, basis_of(about, resolved), places), None):
        raise ConfigError(
            f"--baseline {path}: does not compare, since it differs in {differing}; give a run on the same data"
        )
    return found


def _read(path: Path) -> tuple[Any, Mapping[str, Any], Mapping[str, Any] | None]:
    """The value that contains the figures, what is known about their run, and its experiment if that is known.

    A run keeps all of them in its directory.
    """
    run = RunDirectory(path if path.is_dir() else path.parent)
    if path in (run.path, run.archive):
        if not run.metrics.exists():
            raise ValueError("the run is not finished")
        return run.read_metrics(), run.read_meta(), run.read_resolved()
    value = json.loads(read_bounded(path, LARGEST_DOCUMENT).decode("utf-8-sig"))
    if not all(isinstance(digest, str) for digest in value.get("data", {}).values()):
        raise ValueError("its digests of data are not text")
    return value, value, None


def _test_figures(value: Any) -> dict[str, float]:
    """The test figures by name, from a kept result, from a run's metrics, or from a mapping of figures alone."""
    metrics = value.get("metrics", value)
    figures = metrics.get("test", metrics)
    return {name: float(figure) for name, figure in figures.items() if name != NOTES}


def _check_same_data(path: Path, about: Mapping[str, Any], experiment: Experiment, limit: int | None) -> None:
    """Makes sure that the figures were computed on the same texts, since a difference in data would pass for a gain.

    A file of figures alone does not say which texts they are for, and is accepted.
    """
    if "limit" in about and about["limit"] != limit:
        was = "without --limit" if about["limit"] is None else f"with --limit {about['limit']}"
        raise ConfigError(
            f"--baseline {path}: was run {was}, so its figures do not compare; give a run on as many texts"
        )
    if "data" in about:
        theirs, ours = _by_name(about["data"]), _by_name(data_hashes(experiment))
        if changed := [name for name in ours if theirs.get(name, ours[name]) != ours[name]]:
            raise ConfigError(
                f"--baseline {path}: was run on other data ({', '.join(sorted(changed))}), so its figures do not "
                "compare; give a run on the same files"
            )


def _by_name(digests: Mapping[str, str]) -> dict[str, str]:
    """The digests of files by file name, without files whose names are not unique.

    Folders are ignored, because a run and a kept result of it give them different names.
    """
    names = [Path(file).name for file in digests]
    counts = Counter(names)  # a stranger's run may name very many files
    return {name: digest for name, digest in zip(names, digests.values(), strict=True) if counts[name] == 1}
