"""A stage of a run while it trains: from its first step, or a checkpoint, to its figures."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Self, final

from mtlkit.errors import RunError
from mtlkit.experiment import Experiment, TaskPaths
from mtlkit.figures import with_averages
from mtlkit.files import new_folder
from mtlkit.kernels.compute import what_ran
from mtlkit.process.interrupts import Interrupted
from mtlkit.runs.listeners import Listener
from mtlkit.runs.made_files import strangers
from mtlkit.runs.precision import say_if_slow
from mtlkit.runs.predictions import remove_predictions, write_predictions
from mtlkit.runs.scoring import majority
from mtlkit.runs.stage import Outcome, Stage
from mtlkit.training import (
    NO_FIT,
    Checkpoints,
    EpochEnd,
    Logger,
    Predictions,
    Trainer,
    compute_as,
    load_weights,
    one_label,
    predictions_of,
)


@final
class StageRun:
    """A stage that is ready to train, to continue from a checkpoint, or to report the outcome of training done before.

    Args:
        stage: the stage and its place in the run.
        experiment: the experiment that it trains.
        paths: the paths that tasks keep to during the stage; None if there are none.
        work: the trainer before its first step; for a stage that is done, the outcome read from its folder.
    """

    def __init__(
        self, stage: Stage, experiment: Experiment, paths: TaskPaths | None, work: Trainer | dict[str, Any]
    ) -> None:
        self.stage = stage
        self.setting = stage.setting
        self.experiment = experiment
        self.paths = paths
        self.work = work
        self._records_all = True  # whether what ran has been noted since the stage's first step

    @classmethod
    def prepared(cls, stage: Stage, begun: bool) -> Self:
        """Sets the process up for the stage, derives its paths, and builds its model.

        Args:
            stage: a stage that has not been prepared yet.
            begun: whether the run directory exists, so that the stage may continue from what it left there.

        Raises:
            ConfigError: the model cannot be built.
        """
        # Before paths are derived: scores that differ in their last digits could choose other paths.
        compute_as(stage.settings.trainer)
        paths = stage.derive_paths()
        experiment = stage.experiment(paths, begun)
        done = stage.setting.ranks.first(stage.folder.read_outcome) if begun else None
        return cls(stage, experiment, paths, stage.trainer(experiment, begun) if done is None else done)

    def finish(self) -> Outcome:
        """Trains to the end, from a checkpoint if there is one. A stage that is done is not trained again.

        Raises:
            Interrupted: SIGINT, SIGTERM or SIGHUP was received; a checkpoint has been written.
            DivergedError: a loss or gradient is not finite.
        """
        checkpoints = Checkpoints(self.stage.folder.checkpoints, ranks=self.setting.ranks)
        done = self._trained(self.work, checkpoints) if isinstance(self.work, Trainer) else self.work
        self.setting.ranks.first(partial(checkpoints.restore_best, done.get("weights", {})))
        selection = self.experiment.trainer.selection.build(tasks=list(self.experiment.tasks))
        weights = {name: checkpoints.best(name) for name in map(selection.weights_for, self.experiment.tasks)}
        return Outcome(self.experiment, self.paths, weights, done["metrics"], done["log_size"], done.get("ran"))

    def _trained(self, trainer: Trainer, checkpoints: Checkpoints) -> dict[str, Any]:
        """Trains and scores, then records that the stage is done: figures, size of the log, digests of weights."""
        self.experiment = self.stage.save_files(self.experiment, trainer.model)
        say_if_slow(trainer.settings.precision, self.setting.device, self.setting.say)
        self._train(trainer, checkpoints)
        done = {
            "metrics": self._figures(trainer, checkpoints),
            "log_size": self.setting.directory.log.size(),
            "weights": dict(sorted(checkpoints.best_digests.items())),
            **self._ran(trainer),
        }
        self.setting.ranks.first(partial(self.stage.folder.write_outcome, done))
        return done

    def _train(self, trainer: Trainer, checkpoints: Checkpoints) -> None:
        """Consumes the trainer's events: saves, logs, and stops in a resumable place when asked to.

        All processes of a run come through here, and the first one writes.
        """
        run, interrupts, first = self.setting.directory, self.setting.interrupts, self.setting.ranks.first
        state = checkpoints.load(trainer.model, self.setting.device, self.setting.say)
        if state is not None:
            try:
                trainer.load_state(state["trainer"], state.get("tables", {}))
            except (LookupError, ValueError) as error:  # only after a change, with --resume-anyway
                raise RunError(f"{checkpoints.folder}: {NO_FIT} ({error})") from None
        first(self.setting.take_over)
        if state is not None:
            progress = trainer.progress
            self.setting.say(f"resuming after step {progress.step}, in epoch {progress.epoch + 1}")
            self._records_all = "ran" in state
            trainer.model.note_again(state.get("ran", {}))
        first(partial(run.log.truncate, self.stage.log_size if state is None else state["log_size"]))
        stage = {} if self.stage.name is None else {"stage": self.stage.name}

        def save() -> None:
            state = {"trainer": trainer.state(), "log_size": run.log.size(), **self._ran(trainer)}
            checkpoints.save(trainer.progress.step, trainer.model, state, trainer.optimization.table_rows())

        every = trainer.settings.checkpoint_every
        with self._listeners(trainer) as listeners:
            for event in trainer.events():
                stop = interrupts.agreed() if isinstance(event, EpochEnd) else interrupts.agreed_in_steps()
                if isinstance(event, EpochEnd):
                    # In this order: the checkpoint names the digests of the best weights and the length of the log. If
                    # the run is killed in between, both are ahead of the last checkpoint, and resuming takes them back.
                    for name in event.improved:
                        checkpoints.save_best(name, trainer.model, trainer.tasks_served_by(name))
                    first(partial(run.log.append, {**stage, **event.to_json()}, event.recorded))
                    save()
                elif stop is not None or (every and event.step % every == 0):
                    trainer.check_losses()
                    save()
                for listener in listeners:
                    listener.epoch(event) if isinstance(event, EpochEnd) else listener.step(event)
                for sentence in event.problems() if isinstance(event, EpochEnd) else ():
                    self.setting.say(sentence)
                if stop is not None:
                    raise Interrupted(stop)

    def _ran(self, trainer: Trainer) -> dict[str, dict[str, str]]:
        """Which kernels ran the model's operations since the stage's first step, under the key `ran`.

        Empty if the stage was resumed from a checkpoint of an older mtlkit, which does not say what ran before it.
        """
        return {"ran": what_ran(trainer.model)} if self._records_all else {}

    @contextmanager
    def _listeners(self, trainer: Trainer) -> Iterator[Sequence[Logger | Listener]]:
        """The experiment's loggers and the run's listeners, which are closed at the end of the block in any case."""
        settings, step = trainer.settings, trainer.progress.step
        used = settings.loggers if self.setting.ranks.is_first else []
        loggers = [logger.build(folder=self.stage.folder.path, step=step) for logger in used]
        for listener in self.setting.listeners:
            listener.stage(self.stage.name, settings.epochs)
        everyone: list[Logger | Listener] = [*loggers, *self.setting.listeners]
        try:
            yield everyone
        finally:
            for each in everyone:
                each.close()

    def _figures(self, trainer: Trainer, checkpoints: Checkpoints) -> dict[str, Any]:
        """The dev and test figures of each task, with the weights that serve it; keeps the last stage's predictions."""
        settings = trainer.settings
        self._complete_best(trainer, checkpoints)
        progress = trainer.progress
        metrics: dict[str, Any] = {"epochs": progress.epoch, "steps": progress.step, "best": progress.best}
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
        early = progress.epoch < settings.epochs and trainer.out_of_patience
        notes = trainer.movement.summary(stopped_by_patience=early)
        notes += [sentence for answers in predictions["dev"] if (sentence := one_label(answers)) is not None]
        for note in notes:
            self.setting.say(note)
        if notes:
            metrics["notes"] = notes
        if self.stage.is_last:
            self.setting.ranks.first(partial(self._write_predictions, predictions))
        return metrics

    def _complete_best(self, trainer: Trainer, checkpoints: Checkpoints) -> None:
        """Makes sure that there are best weights of every set, and that they are whole."""
        first = self.setting.ranks.first
        for name in dict.fromkeys(trainer.selection.weights_for(task) for task in self.experiment.tasks):
            if not first(checkpoints.best(name).exists):  # no dev data: the last weights serve
                checkpoints.save_best(name, trainer.model, trainer.tasks_served_by(name))
        first(partial(checkpoints.restore_best, checkpoints.best_digests))

    def _write_predictions(self, predictions: Mapping[str, Sequence[Predictions]]) -> None:
        """Writes the run's predictions, as a whole folder unless there is something in it that mtlkit did not make."""
        directory = self.setting.directory
        folder = directory.predictions
        if any(path.is_relative_to(folder) for path in strangers(directory.path)):
            remove_predictions(folder)
            write_predictions(folder, predictions)
            return
        with new_folder(folder) as fresh:
            write_predictions(fresh, predictions)
