"""`transfer`: a layer is learned from all tasks but one, then frozen, and the last task is trained on top of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mtlkit.config import nearest
from mtlkit.errors import ConfigError, RunError
from mtlkit.experiment import Experiment, LoadedExperiment, data_hashes
from mtlkit.files import check_is_no_input
from mtlkit.runs.changes import changed_files, changed_settings, refuse
from mtlkit.runs.checks import check_experiment
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.read_files import read_by_experiment
from mtlkit.runs.transfer.jobs import run_jobs
from mtlkit.runs.transfer.queues import Job, SharedJobs
from mtlkit.sharing import SharedLayer
from mtlkit.training import StageSettings, TrainerSettings
from mtlkit.types import Say, silent

SOURCE, TARGET = "source", "target"
"""The names of the two stages of a fold."""

WORD_VECTORS = r"^embedders\."

Embeddings = Literal["fresh", "copy"]


@dataclass(frozen=True)
class TransferSettings:
    """How the shared layer is handed over to the new task."""

    scope: str | None = None
    """The layer that is handed over, by the name that the sharing scheme gives it; None for the scheme's default."""
    embeddings: Embeddings = "fresh"
    """Whether the new task begins with word vectors of its own (`fresh`) or with those that the others have learned.

    The paper: "remaining parameters randomly initialized".
    """


def fold_of(loaded: LoadedExperiment, leave_out: str, settings: TransferSettings) -> LoadedExperiment:
    """The experiment in which `leave_out` is the new task (Liu et al. 2019, Table 1, the transfer columns).

    Its stage `source` trains the other tasks as the experiment says. The stage `target` trains the new one by the same
    trainer: the shared layer is kept and frozen, and all other parameters are newly initialised.

    Raises:
        ConfigError: the experiment does not allow such a fold.
    """
    experiment = loaded.experiment
    try:
        scope, layer = _scope(experiment, settings)
        _check_source(experiment, leave_out)
        copied = _copied(experiment, settings)
    except ConfigError as error:
        raise ConfigError(f"{loaded.file}: {error}") from None
    trainer = experiment.trainer
    source = StageSettings(name=SOURCE, tasks=[task for task in experiment.tasks if task != leave_out], trainer=trainer)
    target = StageSettings(
        name=TARGET,
        tasks=[leave_out],
        sharing=None if layer.reader == experiment.model.sharing else layer.reader,
        keep=[*scope, *copied],
        trainer=trainer.model_copy(update={"frozen": [*trainer.frozen, *scope]}),
    )
    stages = {"stages": [source, target], "trainer": TrainerSettings()}
    return replace(loaded, experiment=experiment.model_copy(update=stages))


def _scope(experiment: Experiment, settings: TransferSettings) -> tuple[Sequence[str], SharedLayer]:
    """The patterns of the names of the layer's parameters, and the layer itself."""
    scheme = experiment.model.sharing
    try:
        layer = scheme.component.shared_layer(scheme)
    except ConfigError as error:
        raise ConfigError(f"model.sharing: nothing can be transferred: {error}") from None
    chosen = settings.scope or next(iter(layer.scopes))
    if chosen not in layer.scopes:
        raise ConfigError(
            f"--scope {chosen}: the scopes of '{scheme.type}', as it is set, are {', '.join(layer.scopes)}"
        )
    return layer.scopes[chosen], layer


def _check_source(experiment: Experiment, leave_out: str) -> None:
    tasks = list(experiment.tasks)
    if experiment.stages:
        raise ConfigError(
            "stages: the experiment has some already, and transfer makes its own of an experiment with one trainer; "
            "give one without stages"
        )
    if leave_out not in tasks:
        hint = nearest(leave_out, tasks) or f" (the tasks: {', '.join(tasks)})"
        raise ConfigError(f"--leave-out {leave_out}: no task is named so{hint}")
    if len(tasks) == 1:
        raise ConfigError(f"tasks: '{leave_out}' is the only one, so nothing is left to learn a shared layer from")
    others = [task for task in tasks if task != leave_out]
    selection = experiment.trainer.selection
    if len(set(map(selection.build(tasks=tasks).weights_for, others))) > 1:
        raise ConfigError(
            f"trainer.selection: '{selection.type}' keeps weights for each task by itself, so there is no one model to "
            "transfer a layer from; take 'mean'"
        )


def _copied(experiment: Experiment, settings: TransferSettings) -> list[str]:
    if settings.embeddings == "fresh":
        return []
    if not experiment.model.share_embedder:
        raise ConfigError(
            "--embeddings copy: each task has an embedder of its own, so a new task has none to copy; "
            "set model.share_embedder, or take fresh ones"
        )
    return [WORD_VECTORS]


def about(folds: Mapping[str, LoadedExperiment], limit: int | None, baseline: Path | None) -> dict[str, Any]:
    """Facts about the folds that their table should state beside the figures."""
    fold = next(iter(folds.values()))
    target = fold.experiment.stages[1]
    return {
        "experiment": str(fold.file),
        "seed": fold.experiment.seed,
        "kept": target.keep,
        "frozen": target.trainer.frozen,
        "limit": limit,
        "baseline": None if baseline is None else str(baseline),
    }


@dataclass(frozen=True)
class FoldOptions:
    """How the command line asks for the folds of a directory to be trained."""

    limit: int | None = None
    """The largest number of texts of each split, for trials; None for all."""
    resume: bool = False
    force: bool = False
    """Whether runs that are already in the directory may be deleted."""
    resume_anyway: bool = False
    """Whether folds may be resumed after a change of the experiment, the data or a plugin."""


def train_folds(
    folds: Mapping[str, LoadedExperiment],
    directory: Path,
    options: FoldOptions,
    commands: Mapping[str, Sequence[str]],
    processes: int = 1,
    say: Say = silent,
    worker: bool = False,
) -> None:
    """Trains each fold in a process of its own, into `directory/TASK`, with its output in `directory/TASK.log`.

    Args:
        folds: the experiment of each fold, by the task that is left out.
        directory: the directory of all folds.
        options: how to train them; with `resume`, finished folds are not run again, and others that have begun
            continue.
        commands: the arguments of `mtlkit` that train each fold, by task.
        processes: the number of folds that are trained at the same time.
        say: receives a line on how each fold has ended.
        worker: whether other machines with the same directory train folds too: one of them begins or goes on with each.

    Raises:
        ConfigError, RunError: something is wrong with a fold or its directory, which is reported before any is trained;
            or some folds have failed, which is reported at the end.
        Interrupted: SIGINT, SIGTERM or SIGHUP was received; the folds in training have written checkpoints.
    """
    if options.resume and not directory.is_dir():
        raise RunError(f"{directory}: holds no fold to go on with; leave --resume out to start")
    for fold in folds.values():
        check_experiment(fold.experiment, str(fold.file))
    runs = {task: RunDirectory(directory / task) for task in folds}
    begun = {task: run for task, run in runs.items() if (options.resume or worker) and run.is_run}
    _check_begun(begun, folds, options)
    for task, fold in folds.items():
        check_is_no_input(directory / f"{task}.log", f"-s {directory}: {task}.log", read_by_experiment(fold))
    # The run that another machine has just begun is none that was there before.
    new = {task: run for task, run in runs.items() if task not in begun and not (worker and run.is_run)}
    _make_room({run: folds[task] for task, run in new.items()}, options.force)

    def job(task: str, goes_on: bool) -> Job:
        resume = "--resume-anyway" if options.resume_anyway else "--resume"
        return Job(task, (*commands[task], *([resume] if goes_on else [])), directory / f"{task}.log")

    jobs = []
    for task in folds:
        if task in begun and runs[task].is_finished:
            say(f"{task}: was done before")
        else:
            jobs.append(job(task, task in begun))
    shared = SharedJobs({each.name: runs[each.name] for each in jobs}, job, say)
    codes = run_jobs(shared if worker else jobs, processes, say)
    if failed := [task for task, code in codes.items() if code]:
        raise RunError(
            f"{directory}: {len(failed)} of {len(folds)} folds did not come to an end ({', '.join(failed)}); "
            "their logs there say why, and --resume goes on"
        )
    if worker:
        _check_begun(runs, folds, options)  # what others have made by now is of the same experiment, too


def _check_begun(runs: Mapping[str, RunDirectory], folds: Mapping[str, LoadedExperiment], options: FoldOptions) -> None:
    """Makes sure that the folds that have begun or finished were made from the present experiment, data and limit."""
    hashes: dict[str, str] | None = None
    for task, run in runs.items():
        experiment = folds[task].experiment
        run.check_resumable()
        run.check_limit(options.limit)
        if options.resume_anyway and not run.is_finished:
            continue
        hashes = hashes or data_hashes(experiment)  # computed once, since all folds read the same files
        before = run.read_meta()
        refuse(run, "the experiment", changed_settings(run, experiment))
        refuse(run, "the data", changed_files(before["data"], hashes))


def _make_room(runs: Mapping[RunDirectory, LoadedExperiment], force: bool) -> None:
    """Deletes the old runs, if allowed, all before any fold is trained.

    Otherwise an old fold could pass for a finished one when the command is interrupted and resumed.
    """
    for run, fold in runs.items():
        run.check_new(force, read_by_experiment(fold))
    for run in runs:
        if run.is_run:
            with run.locked():
                run.remove()
