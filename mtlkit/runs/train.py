"""`train`: from an experiment to a run directory with an archive in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from mtlkit.experiment import Experiment, LoadedExperiment, build_model
from mtlkit.models import MultiTaskModel
from mtlkit.plugins import Plugin
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.interrupts import Interrupts
from mtlkit.runs.provenance import provenance
from mtlkit.training import (
    Checkpoints,
    EpochEnd,
    EvaluationTask,
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
    experiment, run = loaded.experiment, RunDirectory(directory)
    check_experiment(experiment, str(loaded.file))
    if options.resume:
        run.check_resumable(loaded)
        options = replace(options, limit=run.read_meta()["limit"])
    else:
        run.check_new(options.force)
    torch.set_num_threads(experiment.trainer.threads)

    corpora = load_corpora(experiment, limit=options.limit, say=say)
    vectors = read_vectors(experiment, say)
    if options.resume:
        vocabulary = Vocabulary.load(run.vocabulary)
    else:
        vocabulary = make_vocabulary(experiment, corpora, vectors, say)
    seed_all(experiment.seed)
    model = build_model(experiment, vocabulary, vectors).to(options.device)
    trainer = _trainer(experiment, corpora, vocabulary, model, options.device)
    if not options.resume:
        run.create(loaded, vocabulary, _meta(experiment, options))

    checkpoints = Checkpoints(run.checkpoints)
    loggers = [logger.build(folder=run.path) for logger in experiment.trainer.loggers]
    _train_to_the_end(trainer, checkpoints, run, [*loggers, *listeners], say)
    metrics = _final_metrics(experiment, trainer, checkpoints)
    weights = {name: checkpoints.best(name) for name in map(trainer.selection.weights_for, experiment.tasks)}
    write_archive(run.archive, experiment, run.vocabulary, weights, corpora.seen(), run.read_meta())
    run.write_metrics(metrics)
    run.add_meta({"finished": _now()})
    return RunResult(directory, metrics)


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
    trainer: Trainer, checkpoints: Checkpoints, run: RunDirectory, listeners: Sequence[Listener], say: Say
) -> None:
    """Consumes the trainer's events: saves, logs, and stops in a resumable place when asked to."""
    state = checkpoints.load(trainer.model, next(trainer.model.parameters()).device, say)
    if state is not None:
        trainer.load_state(state["trainer"])
        say(f"resuming after step {trainer.step}, in epoch {trainer.epoch + 1}")
    run.truncate_log(0 if state is None else state["log_size"])

    def save() -> None:
        checkpoints.save(trainer.step, trainer.model, {"trainer": trainer.state(), "log_size": run.log_size()})

    every = trainer.settings.checkpoint_every
    with Interrupts() as interrupts:
        try:
            for event in trainer.events():
                if isinstance(event, EpochEnd):
                    for name in event.improved:
                        save_weights(checkpoints.best(name), trainer.model, trainer.tasks_served_by(name))
                    run.append_log(event.to_json())
                    save()
                elif interrupts.received or (every and event.step % every == 0):
                    save()
                for listener in listeners:
                    listener.epoch(event) if isinstance(event, EpochEnd) else listener.step(event)
                interrupts.raise_if_received()
        finally:
            for listener in listeners:
                listener.close()


def _final_metrics(experiment: Experiment, trainer: Trainer, checkpoints: Checkpoints) -> dict[str, Any]:
    """Dev and test figures of each task, with the weights that serve it."""
    settings = trainer.settings
    for name in {trainer.selection.weights_for(task) for task in experiment.tasks}:
        if not checkpoints.best(name).exists():  # no dev data: the last weights serve
            save_weights(checkpoints.best(name), trainer.model, trainer.tasks_served_by(name))
    metrics: dict[str, Any] = {"epochs": trainer.epoch, "steps": trainer.step, "best": trainer.best}
    for split, tasks in (("dev", trainer.dev), ("test", trainer.test)):
        figures: dict[str, float] = {}
        for task in tasks:
            name = trainer.selection.weights_for(task.split.task)
            load_weights(checkpoints.best(name), trainer.model, trainer.tasks_served_by(name))
            figures.update(evaluate(trainer.model, [task], settings.evaluation_batch_size, settings.precision))
            figures.update(majority(task.split.task, task.split.corpus))
        metrics[split] = with_averages(figures)
    return metrics


def _meta(experiment: Experiment, options: TrainOptions) -> dict[str, Any]:
    return {
        "created": _now(),
        "folder": os.getcwd(),
        "seed": experiment.seed,
        "device": str(options.device),
        "threads": experiment.trainer.threads,
        "limit": options.limit,
        "data": data_hashes(experiment),
        **provenance(options.plugins),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
