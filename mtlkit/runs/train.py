"""`train`: from an experiment to a run directory with an archive in it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import torch

import mtlkit
from mtlkit.archive import components_of_tasks, save_files, saved_members, with_saved_files, write_archive
from mtlkit.data import Vocabulary
from mtlkit.errors import ConfigError, RunError
from mtlkit.experiment import (
    AnyExperiment,
    Corpora,
    Experiment,
    LoadedExperiment,
    data_hashes,
    load_corpora,
    load_experiment,
    make_vocabulary,
    read_vectors,
    stages_of,
)
from mtlkit.kernels.compute import together
from mtlkit.runs.changes import Changes, changed_settings, code_hashes, refuse
from mtlkit.runs.checks import check_experiment
from mtlkit.runs.checks.kernels import kernels_for
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.inspection import Inspection, inspect_experiment
from mtlkit.runs.interrupts import Interrupts
from mtlkit.runs.profile import Profiler
from mtlkit.runs.provenance import provenance
from mtlkit.runs.run import Run
from mtlkit.runs.stage import Listener, Outcome, Setting, Stage
from mtlkit.runs.stage_run import StageRun
from mtlkit.training import threads_as_before
from mtlkit.training.devices import as_device
from mtlkit.types import Say, silent

STAGE_SEEDS = "stage_seeds"
"""In `meta.json` of a run in stages: how their seeds are made, so that runs of versions that added them up resume."""
RUNS = "runs"
"""The folder of runs for which no directory is given."""


@dataclass(frozen=True)
class TrainOptions:
    """How a run is trained, beside what its experiment says."""

    device: torch.device
    limit: int | None = None
    """At most so many texts of each split, for trials."""
    resume: bool = False
    force: bool = False
    """Whether a run that lies in the directory may be deleted."""
    resume_anyway: bool = False
    """Where it is resumed, whether that may be after a change of experiment, data or plugins."""


def train(
    experiment: AnyExperiment,
    directory: str | Path | None = None,
    *,
    device: torch.device | str = "auto",
    limit: int | None = None,
    resume: bool | Literal["auto"] = False,
    resume_anyway: bool = False,
    force: bool = False,
    profile: bool = False,
    listeners: Sequence[Listener] = (),
    say: Say = silent,
) -> Run:
    """Trains an experiment; leaves a run directory with an archive in it.

    In the main thread, Ctrl-C and SIGTERM end the training after a checkpoint. PyTorch's number of threads is
    afterwards what it was before; the experiment's seed stays in its random generators.

    Args:
        experiment: a file, plain Python values, or what `load_experiment` returned.
        directory: of the run; `runs/<experiment's name>` where it is None.
        device: auto, cpu, cuda, cuda:N, or a device of PyTorch.
        limit: at most so many texts of each split, for a trial.
        resume: goes on with the run in the directory, to the same bits as if it had never stopped. `"auto"` begins one
            where there is none, and leaves one that is finished alone.
        resume_anyway: resumes also after a change of experiment, data or plugins; the run notes it.
        force: deletes a run that lies in the directory.
        profile: measures where the time goes; see `Run.profiles`.
        listeners: are told of every step and every epoch.
        say: is told in a line what is being done; `print` prints it.

    Raises:
        RunInUseError: another process is training in the directory.
        ConfigError, DataError, RunError: something is wrong; nothing has been written unless training had begun.
        Interrupted: SIGINT or SIGTERM came; a checkpoint has been written.
    """
    _check_one_way(bool(resume) or resume_anyway, force)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("mtlkit trains in one process so far; start it without torchrun")
    loaded = load_experiment(experiment)
    run = RunDirectory(run_directory(loaded, directory))
    if resume or resume_anyway:
        loaded = replace(loaded, experiment=with_saved_files(loaded.experiment, run.files))
    check_experiment(loaded.experiment, str(loaded.file))
    options = TrainOptions(as_device(device), limit, bool(resume) or resume_anyway, force, resume_anyway)
    profilers = [Profiler(run.path, options.device)] if profile else []
    with run.locked(), Interrupts() as interrupts, threads_as_before():
        if resume == "auto":
            if run.is_finished:
                run.check_resumable()
                refuse(run, "the experiment", changed_settings(run, loaded.experiment))
                return Run(run.path)
            options = replace(options, resume=run.is_run)
        with _naming_the_run(run):
            _train(loaded, run, options, [*listeners, *profilers], say, interrupts)
    return Run(run.path, options.device, [found for profiler in profilers for found in profiler.profiles])


def dry_run(
    experiment: AnyExperiment,
    directory: str | Path | None = None,
    *,
    device: torch.device | str = "auto",
    limit: int | None = None,
    resume: bool = False,
    force: bool = False,
    say: Say = silent,
) -> Inspection:
    """Does all that `train` does before its first step: checks everything, reads the data, builds the model.

    Raises:
        ConfigError, DataError, RunError: whatever `train` would raise.
    """
    _check_one_way(resume, force)
    loaded, where = load_experiment(experiment), as_device(device)
    if not resume:
        RunDirectory(run_directory(loaded, directory)).check_new(force)
    return inspect_experiment(loaded, where, limit=limit, say=say)


def run_directory(loaded: LoadedExperiment, directory: str | Path | None = None) -> Path:
    """The directory that is given, or else the one that a run of the experiment has by default."""
    return Path(RUNS) / loaded.name if directory is None else Path(directory)


def _check_one_way(resume: bool, force: bool) -> None:
    if resume and force:
        raise ConfigError("--resume goes on with a run and --force deletes it; give one of them")


@contextmanager
def _naming_the_run(run: RunDirectory) -> Iterator[None]:
    """Turns an error of the operating system, such as a full disk, into one that names the run and a remedy."""
    try:
        yield
    except BrokenPipeError:  # whoever reads what is said has seen enough
        raise
    except OSError as error:
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
) -> None:
    experiment = loaded.experiment
    kernels = kernels_for(experiment, options.device, say)
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
            meta = {**_meta(loaded, options, kernels, hashes, code), "texts": corpora.counts()}
            run.create(loaded, vocabulary, meta)
        if number == 0:
            save_files(run.files, components_of_tasks(experiment))
        outcomes.append(stage.finish())
    _finish(run, experiment, outcomes, corpora)


def _finish(run: RunDirectory, experiment: Experiment, outcomes: Sequence[Outcome], corpora: Corpora) -> None:
    """Writes the archive of the last stage, then the figures, which mark the run as finished."""
    last = outcomes[-1]
    # Without what is only known at the end, so that a finished run that is resumed leaves the same bytes.
    meta = {key: value for key, value in run.read_meta().items() if key not in ("finished", "ran")} | _ran(outcomes)
    files = saved_members(last.experiment)
    write_archive(run.archive, last.experiment, run.vocabulary, last.weights, corpora.seen(), meta, files)
    metrics = {**last.metrics, **_stage_metrics(experiment, outcomes)}
    run.write_metrics(metrics)
    run.add_meta({**_ran(outcomes), "finished": _now()})


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


def _meta(
    loaded: LoadedExperiment, options: TrainOptions, kernels: str | None, hashes: dict[str, str], code: dict[str, str]
) -> dict[str, Any]:
    return {
        "created": _now(),
        "folder": os.getcwd(),
        "seed": loaded.experiment.seed,
        "device": str(options.device),
        "threads": stages_of(loaded.experiment)[0].trainer.threads,
        "kernels": kernels,
        "limit": options.limit,
        "data": hashes,
        "code": code,
        **({STAGE_SEEDS: "digest"} if loaded.experiment.stages else {}),
        **provenance(loaded.plugins),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
