"""`train`: from an experiment to a run directory with an archive in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import torch

from mtlkit.archive import write_archive
from mtlkit.checks import check_experiment
from mtlkit.corpora import (
    Corpora,
    Say,
    data_hashes,
    evaluation_tasks,
    load_corpora,
    majority,
    make_vocabulary,
    read_vectors,
    silent,
)
from mtlkit.data import TaskSplit, Vocabulary
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, LoadedExperiment, build_model
from mtlkit.models import MultiTaskModel
from mtlkit.plugins import Plugin
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.interrupts import Interrupted, Interrupts
from mtlkit.runs.provenance import provenance
from mtlkit.training import (
    Checkpoints,
    EpochEnd,
    EvaluationTask,
    Logger,
    Step,
    Trainer,
    evaluate,
    load_weights,
    save_weights,
    seed_all,
    with_averages,
)


class Listener(Protocol):
    """Whoever follows a run: loggers, the console."""

    def stage(self, name: str | None, epochs: int) -> None:
        """A stage of at most so many epochs begins; it has no name if it is the only one."""

    def step(self, step: Step) -> None:
        """One step has been taken."""

    def epoch(self, end: EpochEnd) -> None:
        """An epoch is over."""

    def close(self) -> None:
        """The run is over or was interrupted."""


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


@dataclass(frozen=True)
class RunResult:
    """Where a run is and what it came to; its `metrics.json` holds the same."""

    directory: Path
    metrics: dict[str, Any]


def train(
    loaded: LoadedExperiment,
    directory: Path,
    options: TrainOptions,
    listeners: Sequence[Listener] = (),
    say: Say = silent,
) -> RunResult:
    """Trains an experiment and leaves a run directory with an archive in it.

    Raises:
        ConfigError, DataError, RunError: something is wrong; nothing has been written unless training had begun.
        Interrupted: SIGINT or SIGTERM came; a checkpoint has been written.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("mtlkit trains in one process so far; start it without torchrun")
    check_experiment(loaded.experiment, str(loaded.file))
    run = RunDirectory(directory)
    with run.locked(), Interrupts() as interrupts:
        return _train(loaded, run, options, listeners, say, interrupts)


def _train(
    loaded: LoadedExperiment,
    run: RunDirectory,
    options: TrainOptions,
    listeners: Sequence[Listener],
    say: Say,
    interrupts: Interrupts,
) -> RunResult:
    experiment = loaded.experiment
    if options.resume:
        run.check_resumable(loaded)
        _check_circumstances(run, options, say)
        run.sweep()
    else:
        run.check_new(options.force)
    torch.set_num_threads(experiment.trainer.threads)

    corpora = load_corpora(experiment, limit=options.limit, say=say)
    interrupts.raise_if_received()
    hashes = data_hashes(experiment)
    if options.resume:
        run.check_data(hashes)
        vocabulary, vectors = Vocabulary.load(run.vocabulary), None
        if not Checkpoints(run.checkpoints).exist:
            vectors = read_vectors(experiment, say)
    else:
        vectors = read_vectors(experiment, say)
        vocabulary = make_vocabulary(experiment, corpora, vectors, say)
    seed_all(experiment.seed)
    model = build_model(experiment, vocabulary, vectors).to(options.device)
    trainer = _trainer(experiment, corpora, vocabulary, model, options.device)
    interrupts.raise_if_received()
    if not options.resume:
        run.create(loaded, vocabulary, _meta(experiment, options, hashes))

    checkpoints = Checkpoints(run.checkpoints)
    _train_to_the_end(trainer, checkpoints, run, listeners, say, interrupts)
    metrics = _final_metrics(experiment, trainer, checkpoints, say, interrupts)
    weights = {name: checkpoints.best(name) for name in map(trainer.selection.weights_for, experiment.tasks)}
    write_archive(run.archive, experiment, run.vocabulary, weights, corpora.seen(), run.read_meta())
    run.write_metrics(metrics)
    run.add_meta({"finished": _now()})
    return RunResult(run.path, metrics)


def _check_circumstances(run: RunDirectory, options: TrainOptions, say: Say) -> None:
    """Refuses another `limit`, and says what else may keep a resumed run from coming to the same bits."""
    before = run.read_meta()
    if options.limit != before["limit"]:
        begun = "without --limit" if before["limit"] is None else f"with --limit {before['limit']}"
        raise ConfigError(f"{run.path}: was begun {begun}; resume it {begun}")
    for name, now in {"torch": str(torch.__version__), "device": str(options.device)}.items():
        if before[name] != now:
            say(f"the run was begun with {name} {before[name]}, this is {now}: last digits may differ")


def _trainer(
    experiment: Experiment, corpora: Corpora, vocabulary: Vocabulary, model: MultiTaskModel, device: torch.device
) -> Trainer:
    characters = model.uses_characters
    train = {
        task: TaskSplit(task, corpus, vocabulary, with_characters=characters, device=device)
        for task, corpus in corpora.of_split("train").items()
    }
    metrics = {name: task.scorers() for name, task in experiment.tasks.items()}

    def to_score(split: str) -> list[EvaluationTask]:
        seen = corpora.seen() if split == "test" else None
        found = corpora.of_split(split)
        return evaluation_tasks(found, metrics, vocabulary, characters=characters, device=device, seen=seen)

    selection = experiment.trainer.selection.build(tasks=list(experiment.tasks))
    return Trainer(model, train, to_score("dev"), to_score("test"), selection, experiment.trainer, experiment.seed)


def _train_to_the_end(
    trainer: Trainer,
    checkpoints: Checkpoints,
    run: RunDirectory,
    listeners: Sequence[Listener],
    say: Say,
    interrupts: Interrupts,
) -> None:
    """Consumes the trainer's events: saves, logs, and stops in a resumable place when asked to."""
    state = checkpoints.load(trainer.model, next(trainer.model.parameters()).device, say)
    if state is not None:
        trainer.load_state(state["trainer"])
        say(f"resuming after step {trainer.step}, in epoch {trainer.epoch + 1}")
    run.truncate_log(0 if state is None else state["log_size"])
    loggers = [logger.build(folder=run.path, step=trainer.step) for logger in trainer.settings.loggers]

    def save() -> None:
        checkpoints.save(trainer.step, trainer.model, {"trainer": trainer.state(), "log_size": run.log_size()})

    every = trainer.settings.checkpoint_every
    everyone: list[Logger | Listener] = [*loggers, *listeners]
    for listener in listeners:
        listener.stage(None, trainer.settings.epochs)
    try:
        for event in trainer.events():
            stop = interrupts.received
            if isinstance(event, EpochEnd):
                for name in event.improved:
                    save_weights(checkpoints.best(name), trainer.model, trainer.tasks_served_by(name))
                run.append_log(event.to_json())
                save()
            elif stop is not None or (every and event.step % every == 0):
                trainer.check_losses()
                save()
            for each in everyone:
                each.epoch(event) if isinstance(event, EpochEnd) else each.step(event)
            if stop is not None:
                raise Interrupted(stop)
    finally:
        for each in everyone:
            each.close()


def _final_metrics(
    experiment: Experiment, trainer: Trainer, checkpoints: Checkpoints, say: Say, interrupts: Interrupts
) -> dict[str, Any]:
    """Dev and test figures of each task, with the weights that serve it."""
    settings = trainer.settings
    for name in {trainer.selection.weights_for(task) for task in experiment.tasks}:
        if not checkpoints.best(name).exists():  # no dev data: the last weights serve
            save_weights(checkpoints.best(name), trainer.model, trainer.tasks_served_by(name))
    metrics: dict[str, Any] = {"epochs": trainer.epoch, "steps": trainer.step, "best": trainer.best}
    for split, tasks in (("dev", trainer.dev), ("test", trainer.test)):
        say(f"scoring {split} data")
        figures: dict[str, float] = {}
        for task in tasks:
            name = trainer.selection.weights_for(task.split.task)
            load_weights(checkpoints.best(name), trainer.model, trainer.tasks_served_by(name))
            figures.update(evaluate(trainer.model, [task], settings.evaluation_batch_size, settings.precision))
            figures.update(majority(task.split.task, task.split.corpus))
            interrupts.raise_if_received()
        metrics[split] = with_averages(figures)
    return metrics


def _meta(experiment: Experiment, options: TrainOptions, hashes: dict[str, str]) -> dict[str, Any]:
    return {
        "created": _now(),
        "folder": os.getcwd(),
        "seed": experiment.seed,
        "device": str(options.device),
        "threads": experiment.trainer.threads,
        "limit": options.limit,
        "data": hashes,
        **provenance(options.plugins),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
