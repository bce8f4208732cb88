"""One stage of a run: from the weights it begins with to its figures."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

import torch
from safetensors.torch import load_file

from mtlkit.archive import SHARING, components_of_model, save_files, saved_members, with_saved_files
from mtlkit.data import TaskSplit, Vectors, Vocabulary
from mtlkit.errors import RunError
from mtlkit.experiment import Corpora, Experiment, TaskPaths, build_model, experiment_of, stages_of, tasks_of
from mtlkit.files import new_folder
from mtlkit.model import MultiTaskModel
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.interrupts import Interrupted, Interrupts
from mtlkit.runs.new_model import new_model
from mtlkit.runs.predictions import write_predictions
from mtlkit.runs.scoring import evaluation_tasks, majority
from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.training import (
    NO_FIT,
    Checkpoints,
    EpochEnd,
    EvaluationTask,
    Logger,
    Predictions,
    Step,
    Trainer,
    compute_as,
    evaluate,
    load_weights,
    predictions_of,
    seed_all,
    taken_over,
    with_averages,
)
from mtlkit.types import Say


class Listener(Protocol):
    """Whoever follows a run: the console. A logger of an experiment is told the same, but for `stage`."""

    def stage(self, name: str | None, epochs: int) -> None:
        """A stage of at most so many epochs begins; it has no name if it is the only one."""

    def step(self, step: Step) -> None:
        """One step has been taken."""

    def epoch(self, end: EpochEnd) -> None:
        """An epoch is over."""

    def close(self) -> None:
        """The stage is over or was interrupted."""


@dataclass(frozen=True)
class Setting:
    """What all stages of a run have in common."""

    experiment: Experiment
    corpora: Corpora
    vocabulary: Vocabulary
    vectors: Callable[[], Vectors | None]
    """Reads the pretrained vectors when they are first needed."""
    device: torch.device
    directory: RunDirectory
    listeners: Sequence[Listener]
    say: Say
    interrupts: Interrupts
    take_over: Callable[[], None]
    """Called when it is sure that the run goes on, with whatever has changed since it was begun."""


@dataclass(frozen=True)
class Outcome:
    """What a stage has come to."""

    experiment: Experiment
    """What was trained; an archive's experiment."""
    paths: TaskPaths | None
    """The paths that have been derived so far."""
    weights: dict[str, Path]
    """The selection's sets of weights by name."""
    metrics: dict[str, Any]
    log_size: int
    """Bytes of the run's log when it was done."""

    @property
    def only_weights(self) -> Path:
        """The one set of weights that another stage can go on with."""
        (weights,) = self.weights.values()
        return weights


@final
class StageRun:
    """A stage that is about to train, or to go on.

    Args:
        setting: of the run.
        number: of the stage, from 0.
        before: what the stage before it has come to.
        begun: whether the run directory is there already, so that this stage may go on from what it left.

    Raises:
        ConfigError: the model cannot be built.
    """

    def __init__(self, setting: Setting, number: int, before: Outcome | None, begun: bool) -> None:
        self.setting = setting
        stages = stages_of(setting.experiment)
        self.stage = stages[number]
        self.name = self.stage.name if len(stages) > 1 else None
        self.is_last = number == len(stages) - 1
        self.folder = setting.directory.stage(self.name)
        self.seed = (setting.experiment.seed + number) % 2**63
        self.log_size = before.log_size if before else 0
        # Before paths are derived: scores in other last digits could choose others.
        compute_as(self.stage.trainer)
        self.paths = self._derived_paths(before)
        self.experiment = experiment_of(setting.experiment, self.stage, self.paths)
        self._scheme_place = SHARING if self.stage.sharing is None else f"stages.{number}.sharing"
        if begun:
            self.experiment = self._with_files()
        self.done = self.folder.read_outcome() if begun else None
        if self.done is None:
            seed_all(self.seed)
            goes_on = begun and Checkpoints(self.folder.checkpoints).exist
            self.trainer = self._trainer(self._built_model(self.experiment) if goes_on else self._new_model(before))

    def finish(self) -> Outcome:
        """Trains to the end, from a checkpoint if there is one; does nothing if the stage is done.

        Raises:
            Interrupted: a checkpoint has been written.
            DivergedError: a loss is no longer finite.
        """
        checkpoints = Checkpoints(self.folder.checkpoints)
        if self.done is None:
            self._save_files()
            self._train(checkpoints)
            metrics, log_size = self._figures(checkpoints), self.setting.directory.log_size()
            self.done = {
                "metrics": metrics,
                "log_size": log_size,
                "weights": dict(sorted(checkpoints.best_digests.items())),
            }
            self.folder.write_outcome(self.done)
        checkpoints.restore_best(self.done.get("weights", {}))
        selection = self.experiment.trainer.selection.build(tasks=list(self.experiment.tasks))
        weights = {name: checkpoints.best(name) for name in map(selection.weights_for, self.experiment.tasks)}
        return Outcome(self.experiment, self.paths, weights, self.done["metrics"], self.done["log_size"])

    def _with_files(self) -> Experiment:
        """What is trained, whose components are built with what they have saved."""
        return with_saved_files(self.experiment, self.setting.directory.files, self._scheme_place)

    def _save_files(self) -> None:
        """Keeps what the parts of the model save, before it is trained: later they might come to something else."""
        components = components_of_model(self.trainer.model, self.experiment, self._scheme_place)
        save_files(self.setting.directory.files, components)
        self.experiment = self._with_files()
        saved_members(self.experiment)  # that they are too large for the archive is not to come out after training

    def _derived_paths(self, before: Outcome | None) -> TaskPaths | None:
        """The paths that are in force; where this stage derives them, they are written down before it trains."""
        derive = self.stage.derive
        if before is None or self.stage.sharing is not None:
            return None
        if derive is None:
            return before.paths
        if (known := self.folder.read_paths()) is not None:
            return known
        seed_all(self.seed)
        model = self._built_model(before.experiment).eval()
        load_weights(before.only_weights, model, model.tasks)
        scheme, settings = model.sharing, before.experiment.trainer
        assert isinstance(scheme, SearchableScheme), "checked before any data were read"
        dev = {task.split.task: task for task in self._evaluation_tasks("dev", before.experiment, model)}

        def score(task: str, path: ModulePath) -> float:
            figures = evaluate(model, [dev[task]], settings.evaluation_batch_size, settings.precision, path)
            return figures[f"{task}/{dev[task].headline}"]

        derivation = derive.build()
        paths = {}
        for task in tasks_of(self.setting.experiment, self.stage):
            paths[task] = derivation.derive(scheme, task, score)
            self.setting.say(f"path of {task}: {' -> '.join(map(str, paths[task])) or 'no module'}")
        self.folder.write_paths(paths)
        return paths

    def _built_model(self, experiment: Experiment) -> MultiTaskModel:
        """A model whose weights are loaded next."""
        return build_model(experiment, self.setting.vocabulary, fresh=False).to(self.setting.device)

    def _new_model(self, before: Outcome | None) -> MultiTaskModel:
        """The model as this stage begins: freshly initialised but for what it takes over."""
        setting = self.setting
        model = new_model(self.experiment, setting.vocabulary, setting.vectors(), setting.say).to(setting.device)
        if before is not None and self.stage.keep != []:
            weights = load_file(before.only_weights, device=str(self.setting.device))
            kept = taken_over(model, weights, self.stage.keep)
            model.load_state_dict(kept, strict=False)
            self.setting.say(f"{len(kept)} of {len(model.state_dict())} tensors go on from the stage before")
        return model

    def _trainer(self, model: MultiTaskModel) -> Trainer:
        setting, experiment = self.setting, self.experiment
        train = {
            task: TaskSplit(
                task, corpus, setting.vocabulary, columns=model.embedder(task).tables, device=setting.device
            )
            for task, corpus in setting.corpora.of_split("train").items()
            if task in experiment.tasks
        }
        dev, test = (self._evaluation_tasks(split, experiment, model) for split in ("dev", "test"))
        selection = experiment.trainer.selection.build(tasks=list(experiment.tasks))
        return Trainer(model, train, dev, test, selection, experiment.trainer, self.seed)

    def _evaluation_tasks(self, split: str, experiment: Experiment, model: MultiTaskModel) -> list[EvaluationTask]:
        setting = self.setting
        found = {task: corpus for task, corpus in setting.corpora.of_split(split).items() if task in experiment.tasks}
        return evaluation_tasks(
            found,
            {task: settings.scorers() for task, settings in experiment.tasks.items()},
            setting.vocabulary,
            model=model,
            device=setting.device,
            seen=setting.corpora.seen() if split == "test" else None,
        )

    def _train(self, checkpoints: Checkpoints) -> None:
        """Consumes the trainer's events: saves, logs, and stops in a resumable place when asked to."""
        trainer, run, interrupts = self.trainer, self.setting.directory, self.setting.interrupts
        state = checkpoints.load(trainer.model, self.setting.device, self.setting.say)
        if state is not None:
            try:
                trainer.load_state(state["trainer"])
            except (LookupError, ValueError) as error:  # only after a change, with --resume-anyway
                raise RunError(f"{checkpoints.folder}: {NO_FIT} ({error})") from None
        self.setting.take_over()
        if state is not None:
            self.setting.say(f"resuming after step {trainer.step}, in epoch {trainer.epoch + 1}")
            run.truncate_log(state["log_size"])
        else:
            run.truncate_log(self.log_size)
        stage = {} if self.name is None else {"stage": self.name}

        def save() -> None:
            checkpoints.save(trainer.step, trainer.model, {"trainer": trainer.state(), "log_size": run.log_size()})

        every = trainer.settings.checkpoint_every
        with self._listeners() as listeners:
            for event in trainer.events():
                stop = interrupts.received
                if isinstance(event, EpochEnd):
                    for name in event.improved:
                        checkpoints.save_best(name, trainer.model, trainer.tasks_served_by(name))
                    run.append_log({**stage, **event.to_json()}, event.recorded)
                    save()
                elif stop is not None or (every and event.step % every == 0):
                    trainer.check_losses()
                    save()
                for listener in listeners:
                    listener.epoch(event) if isinstance(event, EpochEnd) else listener.step(event)
                if stop is not None:
                    raise Interrupted(stop)

    @contextmanager
    def _listeners(self) -> Iterator[Sequence[Logger | Listener]]:
        """The experiment's loggers and the run's listeners, closed at the end whatever happens."""
        settings = self.trainer.settings
        loggers = [logger.build(folder=self.folder.path, step=self.trainer.step) for logger in settings.loggers]
        for listener in self.setting.listeners:
            listener.stage(self.name, settings.epochs)
        everyone: list[Logger | Listener] = [*loggers, *self.setting.listeners]
        try:
            yield everyone
        finally:
            for each in everyone:
                each.close()

    def _figures(self, checkpoints: Checkpoints) -> dict[str, Any]:
        """Dev and test figures of each task, with the weights that serve it; the last stage's answers are kept."""
        trainer, settings = self.trainer, self.trainer.settings
        for name in {trainer.selection.weights_for(task) for task in self.experiment.tasks}:
            if not checkpoints.best(name).exists():  # no dev data: the last weights serve
                checkpoints.save_best(name, trainer.model, trainer.tasks_served_by(name))
        checkpoints.restore_best(checkpoints.best_digests)
        metrics: dict[str, Any] = {"epochs": trainer.epoch, "steps": trainer.step, "best": trainer.best}
        predictions: dict[str, list[Predictions]] = {"dev": [], "test": []}
        for split, tasks in (("dev", trainer.dev), ("test", trainer.test)):
            self.setting.say(f"scoring {split} data")
            figures: dict[str, float] = {}
            for task in tasks:
                name = trainer.selection.weights_for(task.split.task)
                load_weights(checkpoints.best(name), trainer.model, trainer.tasks_served_by(name))
                answers = predictions_of(trainer.model, task, settings.evaluation_batch_size, settings.precision)
                predictions[split].append(answers)
                figures.update(answers.figures())
                figures.update(majority(task.split.task, task.split.corpus))
                self.setting.interrupts.raise_if_received()
            metrics[split] = with_averages(figures)
        if self.is_last:
            with new_folder(self.setting.directory.predictions) as folder:
                write_predictions(folder, predictions)
        return metrics
