"""`train`: from an experiment to a run directory with an archive in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

import mtlkit
from mtlkit.archive import components_of_tasks, save_files, saved_members, with_saved_files, write_archive
from mtlkit.data import Vocabulary
from mtlkit.errors import ConfigError, RunError
from mtlkit.experiment import (
    Experiment,
    LoadedExperiment,
    data_hashes,
    load_corpora,
    make_vocabulary,
    read_vectors,
    stages_of,
)
from mtlkit.kernels.choice import kernels_in_use, lstms_in_use, uses_graphs, why_not_compiled
from mtlkit.kernels.compute import Compute, together
from mtlkit.plugins import Plugin
from mtlkit.runs.changes import Changes, changed_settings, code_hashes, refuse
from mtlkit.runs.checks import check_experiment
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.interrupts import Interrupts
from mtlkit.runs.provenance import provenance
from mtlkit.runs.stage import Listener, Outcome, Setting, Stage
from mtlkit.runs.stage_run import StageRun
from mtlkit.training import threads_as_before
from mtlkit.types import Say, silent


@dataclass(frozen=True)
class TrainOptions:
    """What the command line decides about a run, beside the experiment."""

    device: torch.device
    limit: int | None = None
    """At most so many texts of each split, for trials."""
    resume: bool = False
    force: bool = False
    """Whether a run that lies in the directory may be deleted."""
    plugins: Sequence[Plugin] = ()
    go_on: bool = False
    """Resume the run that lies there, leave it alone where it is finished, begin one where there is none."""
    resume_anyway: bool = False
    """Where it is resumed, whether that may be after a change of experiment, data or plugins."""


@dataclass(frozen=True)
class RunResult:
    """Where a run is and what it came to; its `metrics.json` holds the same."""

    directory: Path
    metrics: dict[str, Any]


STAGE_SEEDS = "stage_seeds"
"""In `meta.json` of a run in stages: how their seeds are made, so that runs of versions that added them up resume."""


def train(
    loaded: LoadedExperiment,
    directory: Path,
    options: TrainOptions,
    listeners: Sequence[Listener] = (),
    say: Say = silent,
) -> RunResult:
    """Trains an experiment and leaves a run directory with an archive in it.

    Raises:
        RunInUseError: another process is training there.
        ConfigError, DataError, RunError: something is wrong; nothing has been written unless training had begun.
        Interrupted: SIGINT or SIGTERM came; a checkpoint has been written.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("mtlkit trains in one process so far; start it without torchrun")
    run = RunDirectory(directory)
    if options.resume or options.go_on:
        loaded = replace(loaded, experiment=with_saved_files(loaded.experiment, run.files))
    check_experiment(loaded.experiment, str(loaded.file))
    with run.locked(), Interrupts() as interrupts, threads_as_before():
        if options.go_on and run.is_finished:
            run.check_resumable()
            refuse(run, "the experiment", changed_settings(run, loaded.experiment))
            return RunResult(run.path, run.read_metrics())
        if options.go_on:
            options = replace(options, go_on=False, resume=run.is_run)
        try:
            return _train(loaded, run, options, listeners, say, interrupts)
        except BrokenPipeError:  # whoever reads what is said has seen enough
            raise
        except OSError as error:  # such as a full disk
            keeps = "nothing that was complete is lost: make room, or give it back, and go on with --resume"
            remedy = keeps if run.is_run else "make room, or give another directory with -s"
            reason = f"{error.strerror}: {error.filename}" if error.filename else error.strerror or error
            raise RunError(f"{run.path}: cannot be read or written ({reason}); {remedy}") from None


def _train(
    loaded: LoadedExperiment,
    run: RunDirectory,
    options: TrainOptions,
    listeners: Sequence[Listener],
    say: Say,
    interrupts: Interrupts,
) -> RunResult:
    experiment = loaded.experiment
    kernels = _kernels(experiment, options.device, say)
    changes = Changes(run, options.resume_anyway, say)
    if options.resume:
        run.check_resumable()
        run.check_limit(options.limit, partial(changed_settings, run, experiment))
        _say_circumstances(run, options, kernels, say)
        changes.look_at_settings(experiment)
        run.sweep()
    else:
        run.check_new(options.force)
    corpora = load_corpora(experiment, limit=options.limit, say=say)
    interrupts.raise_if_received()
    hashes, code = data_hashes(experiment), code_hashes(experiment)
    vectors = cache(lambda: read_vectors(experiment, say))
    if options.resume:
        changes.look_at_files(hashes, code)
        vocabulary = Vocabulary.load(run.vocabulary)
        changes.check(experiment, corpora, vocabulary)
    else:
        vocabulary = make_vocabulary(experiment, corpora, vectors(), say)
    take_over = partial(changes.take_over, loaded, hashes, code)
    setting = Setting(
        experiment,
        corpora,
        vocabulary,
        vectors,
        options.device,
        run,
        listeners,
        say,
        interrupts,
        take_over,
        summed_seeds=options.resume and STAGE_SEEDS not in run.read_meta(),
    )
    outcomes: list[Outcome] = []
    for number in range(len(stages_of(experiment))):
        begun = options.resume or number > 0
        stage = StageRun.prepared(Stage(setting, number, outcomes[-1] if outcomes else None), begun)
        interrupts.raise_if_received()
        if not begun:  # nothing is left behind where the model could not be built
            meta = {**_meta(experiment, options, kernels, hashes, code), "texts": corpora.counts()}
            run.create(loaded, vocabulary, meta)
        if number == 0:
            save_files(run.files, components_of_tasks(experiment))
        outcomes.append(stage.finish())
    last = outcomes[-1]
    # Without what is only known at the end, so that a finished run that is resumed leaves the same bytes.
    meta = {key: value for key, value in run.read_meta().items() if key not in ("finished", "ran")} | _ran(outcomes)
    files = saved_members(last.experiment)
    write_archive(run.archive, last.experiment, run.vocabulary, last.weights, corpora.seen(), meta, files)
    metrics = {**last.metrics, **_stage_metrics(experiment, outcomes)}
    run.write_metrics(metrics)
    run.add_meta({**_ran(outcomes), "finished": _now()})
    return RunResult(run.path, metrics)


def _ran(outcomes: Sequence[Outcome]) -> dict[str, dict[str, str]]:
    """What ran the operations in all stages, for `meta.json`; nothing where a part was trained by an mtlkit that did
    not record it."""
    known = [outcome.ran for outcome in outcomes if outcome.ran is not None]
    return {"ran": together(*known)} if len(known) == len(outcomes) else {}


def _stage_metrics(experiment: Experiment, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of each stage, and the paths that it went by; nothing for a run without stages."""
    if not experiment.stages:
        return {}
    by_name = {}
    for stage, outcome in zip(experiment.stages, outcomes, strict=True):
        paths = {} if outcome.paths is None else {"paths": outcome.paths}
        by_name[stage.name] = {**outcome.metrics, **paths}
    return {"stages": by_name}


def _say_circumstances(run: RunDirectory, options: TrainOptions, kernels: str | None, say: Say) -> None:
    """Says what may keep a resumed run from coming to the same bits."""
    before = run.read_meta()
    versions = {"mtlkit": mtlkit.__version__, "torch": str(torch.__version__)}
    for name, now in {**versions, "device": str(options.device), "kernels": kernels}.items():
        if before.get(name) != now:
            say(f"the run was begun with {name} {before.get(name)}, this is {now}: last digits may differ")


def _kernels(experiment: Experiment, device: torch.device, say: Say) -> str | None:
    """What would run the recurrences and the LSTMs that read both ways, in all stages; None where there are none.

    It is known before anything runs, and a resumed run is held to it. What did run is recorded at the end, as `ran`.

    Raises:
        ConfigError: the kernels of a stage do not run here, which must not come out after the stages before it.
    """
    found: list[str] = []
    sentences: list[str | None] = []
    for number, stage in enumerate(stages_of(experiment)):
        sharing, compute = stage.sharing or experiment.model.sharing, stage.trainer.compute
        operations = {each for part in sharing.parts() for each in getattr(part.component, "operations", ())}
        place = f"stages.{number}.trainer.kernels" if experiment.stages else "trainer.kernels"
        if compute.kernels in ("compiled", "graphs") and not _changes_something(operations, device, compute):
            say(f"{place}: '{compute.kernels}' changes nothing, since no part of {sharing.type} has such kernels")
        for operation, in_use in (("recurrence", kernels_in_use), ("lstm", lstms_in_use)):
            if operation not in operations:
                continue
            sentences.append(why_not_compiled(device, compute, lstms=operation == "lstm"))
            try:
                found.append(in_use(device, compute))
            except ConfigError as error:
                raise ConfigError(f"stages.{number}.{error}" if experiment.stages else str(error)) from None
    for sentence in filter(None, dict.fromkeys(sentences)):
        say(sentence)
    return ", ".join(dict.fromkeys(found)) or None


def _changes_something(operations: set[str], device: torch.device, compute: Compute) -> bool:
    """Whether an operation heeds the kernels; several networks at once have graphs, but no compiled form."""
    return not operations.isdisjoint({"recurrence", "lstm"}) or (
        "networks" in operations and uses_graphs(device, compute)
    )


def _meta(
    experiment: Experiment, options: TrainOptions, kernels: str | None, hashes: dict[str, str], code: dict[str, str]
) -> dict[str, Any]:
    return {
        "created": _now(),
        "folder": os.getcwd(),
        "seed": experiment.seed,
        "device": str(options.device),
        "threads": stages_of(experiment)[0].trainer.threads,
        "kernels": kernels,
        "limit": options.limit,
        "data": hashes,
        "code": code,
        **({STAGE_SEEDS: "digest"} if experiment.stages else {}),
        **provenance(options.plugins),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
