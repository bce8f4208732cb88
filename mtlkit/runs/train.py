"""`train`: trains an experiment into a run directory that contains an archive."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import torch

from mtlkit.archive import components_of_tasks, save_files
from mtlkit.config import flag_argument, path_argument, say_argument
from mtlkit.errors import RunError
from mtlkit.experiment import (
    AnyExperiment,
    Experiment,
    LoadedExperiment,
    hashes_of_read,
    load_corpora,
    load_experiment,
    make_vocabulary,
    other_fingerprints,
    read_vectors,
    replaced_headlines,
    stages_of,
    with_metrics_that_fit,
)
from mtlkit.on_disk.runs import RUNS
from mtlkit.process.interrupts import Interrupts
from mtlkit.process.ranks import Ranks
from mtlkit.runs.as_begun import as_begun
from mtlkit.runs.changes import Changes, changed_settings, check_unchanged, code_hashes, say_circumstances
from mtlkit.runs.checks import check_experiment
from mtlkit.runs.checks.kernels import kernels_for
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.finishing import finish_run, now
from mtlkit.runs.inspection import Inspection, inspect_experiment
from mtlkit.runs.listeners import Listener, checked_listeners
from mtlkit.runs.processes import check_stages_shareable, processes_of_run, restarted
from mtlkit.runs.profile import Profiler
from mtlkit.runs.provenance import provenance
from mtlkit.runs.read_files import read_by_experiment
from mtlkit.runs.run import Run
from mtlkit.runs.stage import Outcome, Setting, Stage
from mtlkit.runs.stage_run import StageRun
from mtlkit.runs.train_options import TrainOptions, train_options
from mtlkit.training import threads_as_before
from mtlkit.types import Say, silent

STAGE_SEEDS = "stage_seeds"
"""The key in `meta.json` that says how the seeds of stages are made. Without it, a run began under a version that added
the number of the stage to the experiment's seed, and must be resumed with such seeds."""


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
    """Trains an experiment, and writes a run directory that contains an archive.

    Under torchrun, each of its processes calls this function, and trains on its share of every batch; the first one
    writes the directory and talks. Where torchrun has started processes again, they resume the run.

    In the main thread, Ctrl-C, SIGTERM and SIGHUP end the training after a checkpoint; a signal that is ignored, as
    SIGHUP under `nohup`, stays ignored. PyTorch's number of threads is restored afterwards; its random generators are
    not, and stay seeded by the experiment.

    Args:
        experiment: an experiment file, plain Python values, or the return value of `load_experiment`.
        directory: the run's directory; None for `runs/<experiment's name>`.
        device: auto, cpu, cuda, cuda:N, or a `torch.device`.
        limit: the largest number of texts of each split, for a trial; None for all.
        resume: continue the run in the directory, to the same bits as if it had never stopped. `"auto"` starts a new
            run if there is none, and does nothing if the run is finished with this experiment, limit and data.
        resume_anyway: resume even after a change of the experiment, the data or a plugin, which the run records.
        force: delete a run that is already in the directory.
        profile: measure where the time goes; see `Run.profiles`.
        listeners: objects that are called after every step and every epoch.
        say: receives a line about each thing that is done; `print` prints it.

    Raises:
        RunInUseError: another process is training in the directory.
        ProcessesError: another process of the same run has ended or cannot be reached.
        ConfigError, DataError, RunError: there is a mistake in an argument, the experiment, the data or the directory.
            Nothing has been written unless training had begun.
        Interrupted: a KeyboardInterrupt; SIGINT, SIGTERM or SIGHUP was received; a checkpoint has been written.
    """
    options = train_options(device, limit, resume, force, resume_anyway)
    say, heard, profile = say_argument(say), checked_listeners(listeners), flag_argument(profile, "profile")
    with processes_of_run(options.device) as (ranks, own):
        if not ranks.is_first:
            heard, say, profile = [], silent, False
        loaded = load_experiment(experiment)
        run = RunDirectory(run_directory(loaded, directory))
        options = replace(options, device=own)
        if options.resume:
            loaded = as_begun(run, loaded, say)
        check_experiment(loaded.experiment, str(loaded.file))
        check_stages_shareable(loaded.experiment, ranks)
        profilers = [Profiler(run.path, options.device)] if profile else []
        lock = run.locked() if ranks.is_first else nullcontext()
        with lock, Interrupts(ranks.agreed_signal, ranks.signal_of_steps) as interrupts, threads_as_before():
            if resume == "auto" or restarted():
                if ranks.first(lambda: run.is_finished):
                    check_unchanged(run, loaded.experiment, options.limit)
                    return Run(run.path)
                begun = ranks.first(lambda: run.is_run)
                options = replace(options, resume=begun, force=options.force and not begun)
            with _naming_the_run(run):
                _train(loaded, run, options, [*heard, *profilers], say, interrupts, ranks)
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
    """Does everything that `train` does before its first step: checks the experiment, reads the data, builds the model.

    Under torchrun, each of its processes calls this function, and what `train` would refuse to share is refused.

    Raises:
        ConfigError, DataError, RunError: as for `train`.
    """
    options, say = train_options(device, limit, resume, force), say_argument(say)
    with processes_of_run(options.device, "give the command again") as (ranks, own):
        loaded = load_experiment(experiment)
        if not resume:
            run = RunDirectory(run_directory(loaded, directory))
            ranks.first(lambda: run.check_new(force, read_by_experiment(loaded)))
        return inspect_experiment(loaded, own, limit=limit, say=say if ranks.is_first else silent, ranks=ranks)


def run_directory(loaded: LoadedExperiment, directory: str | Path | None = None) -> Path:
    """The given directory, or the default one of a run of the experiment."""
    return Path(RUNS) / loaded.name if directory is None else path_argument(directory, "directory")


@contextmanager
def _naming_the_run(run: RunDirectory) -> Iterator[None]:
    """Turns errors of the operating system, such as a full disk, into an error that names the run and a remedy."""
    try:
        yield
    except BrokenPipeError:  # the reader of our output has closed it, as `head` does: not a fault of the run
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
    ranks: Ranks,
) -> None:
    experiment = loaded.experiment
    kernels = ranks.first_then_all(partial(kernels_for, experiment, options.device, say))  # the others find them built
    changes = Changes(run, options.resume_anyway, say)
    _check_directory(loaded, run, options, kernels, changes, say, ranks)
    known = run.read_vocabulary() if options.resume else None
    trained = known.tag_schemes if known is not None else None
    corpora = ranks.first_then_all(partial(load_corpora, experiment, limit=options.limit, trained=trained, say=say))
    interrupts.raise_if_received()
    hashes, code = hashes_of_read(corpora, others := other_fingerprints(experiment)), code_hashes(experiment)
    vectors = cache(lambda: read_vectors(experiment, say, others))
    if known is not None:
        changes.look_at_files(hashes, code)
        changes.look_at_texts(experiment, corpora, known)
        changes.check(experiment, corpora, known)
    vocabulary = make_vocabulary(experiment, corpora, vectors(), say) if known is None else known
    fitted = with_metrics_that_fit(experiment, corpora, say)
    facts = corpora.facts()
    take_over = partial(changes.take_over, loaded, {"data": hashes, "code": code, **facts})
    setting = Setting(
        fitted,
        corpora,
        vocabulary,
        vectors,
        options.device,
        run,
        listeners,
        say,
        interrupts,
        take_over,
        others,
        ranks,
        options.resume and STAGE_SEEDS not in run.read_meta(),
    )

    def new_run() -> None:
        counts = {} if (pretrained := vectors()) is None else {"vectors": pretrained.counts()}
        run.create(loaded, vocabulary, {**_meta(loaded, options, kernels, hashes, code), **facts, **counts})

    outcomes = _train_stages(setting, experiment, None if options.resume else new_run)
    headlines = replaced_headlines(experiment, fitted)
    ranks.first(partial(finish_run, run, fitted, outcomes, corpora, headlines, ranks.size, say))


def _train_stages(setting: Setting, experiment: Experiment, new_run: Callable[[], None] | None) -> list[Outcome]:
    """Trains all stages of a run, one after the other. `new_run` writes the directory of one that is not resumed."""
    ranks = setting.ranks
    outcomes: list[Outcome] = []
    for number in range(len(stages_of(experiment))):
        begun = new_run is None or number > 0
        stage = StageRun.prepared(Stage(setting, number, outcomes[-1] if outcomes else None), begun)
        setting.interrupts.raise_if_received()  # all processes wait here, before one writes what the others read
        if number == 0:
            if new_run is not None:  # only now that the model could be built, so that a failure leaves nothing behind
                ranks.first(new_run)
            ranks.first(partial(save_files, setting.directory.files, components_of_tasks(experiment)))
        outcomes.append(stage.finish())
    return outcomes


def _check_directory(
    loaded: LoadedExperiment,
    run: RunDirectory,
    options: TrainOptions,
    kernels: str | None,
    changes: Changes,
    say: Say,
    ranks: Ranks,
) -> None:
    """Checks before any data are read that a new run may be written, or that a run can be resumed; and removes what a
    killed process left half written of the latter.

    Raises:
        RunError: it cannot be, or its settings have changed.
    """
    if not options.resume:
        ranks.first(lambda: run.check_new(options.force, read_by_experiment(loaded)))
        return
    run.check_resumable()
    run.check_limit(options.limit, partial(changed_settings, run, loaded.experiment))
    say_circumstances(run, options.device, kernels, say)
    changes.look_at_settings(loaded.experiment)
    ranks.first(run.sweep)


def _meta(
    loaded: LoadedExperiment, options: TrainOptions, kernels: str | None, hashes: dict[str, str], code: dict[str, str]
) -> dict[str, Any]:
    return {
        "created": now(),
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
