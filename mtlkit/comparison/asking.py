"""Comparison of runs given by their paths, and of a baseline given by its path or name."""

from collections.abc import Sequence
from pathlib import Path

from mtlkit.comparison.compare import Comparison, Question, compare
from mtlkit.comparison.records import RunRecord, System, read_record, systems_of
from mtlkit.errors import ConfigError, UnknownComponentError
from mtlkit.plugins import Plugin, failures

SPLITS = ("dev", "test")
"""The splits whose figures a run keeps."""


def compare_runs(
    runs: Sequence[Path],
    *,
    baseline: str | None = None,
    split: str = "test",
    metric: str | None = None,
    names: Sequence[str] = (),
    resamples: int = 10_000,
    seed: int = 0,
    anyway: bool = False,
    texts_only: bool = False,
    plugins: Sequence[Plugin] = (),
) -> Comparison:
    """Reads finished runs and compares their systems.

    Args:
        runs: the directories of runs, or files that docs/results/collect.py made of them.
        baseline: the system against which gains are measured: one of the runs, the name of a system, or another run.
        split: dev or test.
        metric: the score to compare, such as f1; None for the headline of each task's first metric.
        names: the names of the systems, in order; empty to name them after their first runs.
        resamples: the number of resamples of the paired bootstrap over texts.
        seed: the seed of the resamples.
        anyway: whether to compare also runs whose figures do not compare, such as runs on other data; the notes of the
            comparison then say so.
        texts_only: whether intervals are over texts alone, for the models as they are; otherwise they are over seeds
            and texts wherever both the system and the baseline have several seeds.
        plugins: the plugins that were imported; the error about an unknown metric names those that failed.

    Raises:
        ConfigError: there is no such split, or the baseline is not a run, or matches several systems.
        RunError: a run cannot be read, or the runs cannot be compared.
    """
    if split not in SPLITS:
        raise ConfigError(f"--split {split}: runs keep no figures of such a split; use dev or test")
    records = [read_record(run) for run in runs]
    if baseline is not None and not any(
        baseline in (*names, record.name) or _is(baseline, record) for record in records
    ):
        records = [_other_run(baseline, records), *records]
    systems = systems_of(records, names)
    question = Question(split, metric, _baseline(systems, baseline), resamples, seed, anyway, texts_only)
    try:
        return compare(systems, question)
    except UnknownComponentError as error:  # a metric
        raise UnknownComponentError(*error.args, *failures(plugins)) from None


def _is(given: str, record: RunRecord) -> bool:
    return Path(given).resolve() == record.path.resolve()


def _other_run(baseline: str, records: Sequence[RunRecord]) -> RunRecord:
    """The record of a baseline that is not among the runs."""
    if not Path(baseline).exists():
        names = ", ".join(dict.fromkeys(record.name for record in records))
        raise ConfigError(f"--baseline {baseline}: is neither a run nor one of {names}")
    return read_record(Path(baseline))


def _baseline(systems: Sequence[System], given: str | None) -> System | None:
    """The system that has this run, or this name."""
    if given is None:
        return None
    with_run = [system for system in systems if any(_is(given, run) for run in system.runs)]
    named = [system for system in systems if given in (system.name, *(run.name for run in system.runs))]
    first, *others = with_run or named
    if others:
        runs = ", ".join(str(system.runs[0].path) for system in (first, *others))
        raise ConfigError(f"--baseline {given}: could be the system of any of {runs}; give one of these runs")
    return first
