"""Test figures of another way to learn tasks, for a gain to be counted from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, data_hashes
from mtlkit.figures import Figure
from mtlkit.runs.directory import RunDirectory


def baseline_figures(path: Path, experiment: Experiment, tasks: Sequence[str], limit: int | None) -> dict[str, float]:
    """The test figures of a run directory, of its archive's run, or of a JSON file that has such figures.

    Args:
        path: of these.
        experiment: whose tasks are to be compared.
        tasks: those.
        limit: at most so many texts of each split are scored.

    Raises:
        ConfigError: there are no figures, not of each of these tasks, or they are of other data, as far as it is known.
        RunError: a file of the run is damaged.
    """
    if not path.exists():
        raise ConfigError(
            f"--baseline {path}: is not there; give the directory of a finished run, or a file of figures"
        )
    try:
        value, about = _read(path)
        found = _test_figures(value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(
            f"--baseline {path}: has no test figures; give the directory of a finished run, or a JSON file that "
            "`mtlkit evaluate --output` wrote"
        ) from None
    for task in tasks:
        name = str(Figure(task, experiment.tasks[task].headline))
        if name not in found:
            raise ConfigError(f"--baseline {path}: has no test figure {name}; give a run on the same tasks")
    _check_same_data(path, about, experiment, limit)
    return found


def _read(path: Path) -> tuple[Any, Mapping[str, Any]]:
    """What holds the figures, and what is known of their run. A run keeps both in its directory, beside its archive."""
    run = RunDirectory(path if path.is_dir() else path.parent)
    if path in (run.path, run.archive):
        if not run.metrics.exists():
            raise ValueError("the run is not finished")
        return run.read_metrics(), run.read_meta()
    value = json.loads(path.read_text(encoding="utf-8"))
    if not all(isinstance(digest, str) for digest in value.get("data", {}).values()):
        raise ValueError("its digests of data are not text")
    return value, value


def _test_figures(value: Any) -> dict[str, float]:
    """Of a kept result, of a run's metrics, or figures alone."""
    metrics = value.get("metrics", value)
    figures = metrics.get("test", metrics)
    return {name: float(figure) for name, figure in figures.items()}


def _check_same_data(path: Path, about: Mapping[str, Any], experiment: Experiment, limit: int | None) -> None:
    """Figures on other texts would pass for a gain; a file of figures alone says nothing of their texts."""
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
    """Of files whose name no other has: a run and what is kept of it name folders differently."""
    names = [Path(file).name for file in digests]
    return {name: digest for name, digest in zip(names, digests.values(), strict=True) if names.count(name) == 1}
