"""The end of a run: its archive and its figures, which mark it as finished."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mtlkit.archive import remember, saved_members, write_archive
from mtlkit.experiment import Corpora, Experiment, hashes_of_read
from mtlkit.kernels.compute import together
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.stage import Outcome
from mtlkit.types import Say


def finish_run(
    run: RunDirectory,
    experiment: Experiment,
    outcomes: Sequence[Outcome],
    corpora: Corpora,
    headlines: Mapping[str, Mapping[str, str]],
    num_processes: int,
    say: Say,
) -> None:
    """Writes the archive of the last stage, then the figures, which mark the run as finished."""
    last = outcomes[-1]
    # What is only known at the end is left out, so that resuming a finished run writes the same bytes.
    known = {key: value for key, value in run.read_meta().items() if key not in ("finished", "ran", "processes")}
    meta = known | _ran(outcomes)
    files = saved_members(last.experiment)
    digest = write_archive(run.archive, last.experiment, run.vocabulary, last.weights, corpora.seen(), meta, files)
    if (fault := remember(digest, hashes_of_read(corpora, []))) is not None:
        say(f"{run.archive}: the cache cannot keep that it was made here ({fault}); give evaluate and report --data")
    metrics = {**last.metrics, **headlines, **_stage_metrics(experiment, outcomes)}
    run.write_metrics(metrics)
    run.add_meta({**_ran(outcomes), "finished": now(), **({"processes": num_processes} if num_processes > 1 else {})})


def _ran(outcomes: Sequence[Outcome]) -> dict[str, dict[str, str]]:
    """Which kernels ran the operations of all stages, for `meta.json`.

    Empty if a part of the run was trained by an older mtlkit, which did not record them.
    """
    known = [outcome.ran for outcome in outcomes if outcome.ran is not None]
    return {"ran": together(*known)} if len(known) == len(outcomes) else {}


def _stage_metrics(experiment: Experiment, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of each stage, and the paths that its tasks kept to; empty for a run without stages."""
    if not experiment.stages:
        return {}
    by_name = {}
    for stage, outcome in zip(experiment.stages, outcomes, strict=True):
        paths = {} if outcome.paths is None else {"paths": outcome.paths}
        by_name[stage.name] = {**outcome.metrics, **paths}
    return {"stages": by_name}


def now() -> str:
    """The time, as `meta.json` has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
