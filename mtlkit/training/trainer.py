"""The trainer: one generic loop that yields events. Saving, logging and drawing are left to their consumer."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, final

import torch

from mtlkit.data import Batch, BatchStream, TaskSplit
from mtlkit.errors import OutOfMemoryError
from mtlkit.figures import with_averages
from mtlkit.model import MultiTaskModel
from mtlkit.process.subnormals import flushed_subnormals
from mtlkit.training import random_state
from mtlkit.training.devices import is_out_of_memory
from mtlkit.training.evaluation import EvaluationTask, evaluate, predictions_of
from mtlkit.training.events import EpochEnd, Step
from mtlkit.training.gradients import size_of
from mtlkit.training.movement import Movement
from mtlkit.training.optimization import Optimization
from mtlkit.training.parameters import Unfreezing, freeze, idle_parts, named
from mtlkit.training.progress import Progress, Stateful, load_state_of, state_of
from mtlkit.training.recording import Recording
from mtlkit.training.selection import ModelSelection
from mtlkit.training.settings import TrainerSettings
from mtlkit.training.shards import Shards, with_all_rows
from mtlkit.training.shared_steps import check_equal, check_shards, check_shareable
from mtlkit.training.shared_tables import SharedTables
from mtlkit.training.soundness import Soundness
from mtlkit.training.timing import section
from mtlkit.training.unmet_rows import UnmetRows, rows_read
from mtlkit.training.update_strategies import StepResult

ADDED_LATER = {"soundness", "movement"}
"""Parts whose state checkpoints of older versions lack; they then begin as new."""


@final
class Trainer:
    """Trains a model on several tasks, one task per batch.

    `events` does the work. Whenever it hands out an event, `state` holds all that is needed to go on from there to the
    same bits, and `load_state` takes it back.

    Args:
        model: on its device.
        train: the training split of each task.
        dev: what to score after each epoch; tasks without dev data are left out.
        test: the same, only logged; may be empty.
        selection: scores an epoch.
        settings: the experiment's `trainer` section.
        seed: orders batches and tasks, with the epoch and the task.

    Raises:
        ConfigError: a pattern of `frozen` is found in no parameter's name, or nothing is left to train; or the settings
            are none for several processes.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        train: Mapping[str, TaskSplit],
        dev: Sequence[EvaluationTask],
        test: Sequence[EvaluationTask],
        selection: ModelSelection,
        settings: TrainerSettings,
        seed: int,
    ) -> None:
        self.model = model
        self.train = train
        self.dev = dev
        self.test = test
        self.selection = selection
        self.settings = settings
        self.seed = seed
        self.streams = {task: self._stream(split) for task, split in train.items()}
        self.ranks = model.compute.ranks
        self.dev_streams = {task.split.task: self._stream(task.split) for task in dev}
        self.sampler = settings.task_sampler.build()
        self.update = settings.update_strategy.build()
        self.schedule = settings.schedule.build() if settings.schedule else None
        freeze(model, settings.frozen)
        shards = Shards.of(model, settings.shard)  # puts other parameters into the model; all below knows these alone
        self.unfreezing = Unfreezing(model, settings.unfreeze)
        trained = self.update.prepare(model, self.dev_streams, settings.gradient_clip)
        optimizing, parameters = settings.optimizer.build(), shards.own(trained)
        optimizer = optimizing.create_over(dict(zip(named(model, trained), parameters, strict=True)))
        rows = rows_read(model, train) if self.update.trains_on_batches_only else {}
        self.optimization = Optimization(
            optimizer,
            parameters,
            settings.gradient_clip,
            undoes=settings.on_nonfinite == "skip",
            splits=settings.on_out_of_memory == "split",
            unmet=UnmetRows(optimizer, rows, optimizing.leaves_rows_without_gradient),
            ranks=self.ranks,
            tables=SharedTables.of(model, [each for each in parameters if each not in shards]),
            shards=shards,
        )
        check_shareable(model, self.update, splits=self.optimization.splits)
        self.ranks.seed_own(seed)
        self.soundness = Soundness(settings.on_nonfinite, {task: split.corpus.places for task, split in train.items()})
        self.movement = Movement()
        self.recording = Recording(model, settings.records, self._observed(), settings.precision)
        check_shards(model, self.recording.records, splits=self.optimization.splits)
        self.steps_per_epoch = len(self.plan(0))
        self.progress = Progress()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or patience has run out."""
        return self.progress.epoch >= self.settings.epochs or self.out_of_patience

    @property
    def out_of_patience(self) -> bool:
        """Whether no score has improved for `patience` epochs."""
        patience = self.settings.patience
        return patience is not None and self.progress.stalled_epochs >= patience

    def tasks_served_by(self, weights: str) -> list[str]:
        """The tasks that a set of weights of the selection serves."""
        return self.selection.served_by(weights, self.model.tasks)

    def events(self) -> Iterator[Step | EpochEnd]:
        """Trains until finished, from wherever the state is.

        Raises:
            DivergedError: a loss or gradient is not finite, and `on_nonfinite` is not `skip`.
            OutOfMemoryError: a batch does not fit the memory.
        """
        check_equal(self.model)
        while not self.finished:
            self.unfreezing.begin(self.progress.epoch)
            yield from self._steps()
            yield self._end_epoch()

    def state(self) -> dict[str, Any]:
        """Everything that training depends on from here but the model's weights and `Optimization.table_rows`, as dicts
        of tensors and plain values: progress, the state of each part, which parameters are trained, random generators.
        """
        return {
            **self.progress.state_dict(),
            **{name: state_of(part) for name, part in self._parts().items()},
            "trained": self._trained(),
            "idle": self._names(self.optimization.idle),
            "random": random_state.capture(),
            **({"processes": own} if (own := self.ranks.own_state()) else {}),
        }

    def load_state(self, state: Mapping[str, Any], rows: Mapping[str, torch.Tensor] = MappingProxyType({})) -> None:
        """Continues from where `state` was taken, and `Optimization.table_rows`, here with all rows; the weights of the
        model are loaded separately.

        Raises:
            LookupError, ValueError: the state belongs to the trainer of another experiment.
        """
        trained = self._trained()
        if state.get("trained", trained) != trained:  # an optimizer knows parameters by their positions only
            raise ValueError("other parameters are trained")
        state = {**state, "optimizer": with_all_rows(state["optimizer"], rows)}
        self.progress = Progress.of_state(state, next(self.model.parameters()).device)
        for name, part in self._parts().items():
            if name in state or name not in ADDED_LATER:
                load_state_of(part, state[name])
        parameters = dict(self.model.named_parameters())
        self.optimization.idle = self.optimization.shards.own(parameters[name] for name in state.get("idle", ()))
        # Last: what is loaded above may draw random numbers itself, such as the order of a pass over a task.
        random_state.restore(state["random"])
        self.ranks.seed_own(self.seed + self.progress.step)  # for other processes than those of the state
        self.ranks.load_own_state(state.get("processes", {}))

    def _parts(self) -> dict[str, Stateful | Mapping[str, Stateful]]:
        """What has a state of its own, by the key under which a checkpoint keeps it."""
        return {
            "streams": self.streams,
            "dev_streams": self.dev_streams,
            "optimizer": self.optimization,
            "update": self.update,
            "soundness": self.soundness,
            "movement": self.movement,
        }

    def plan(self, epoch: int) -> list[list[str]]:
        """The tasks of each step of an epoch (from 0): one batch each, `accumulate` batches to a step."""
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        num_batches = {task: stream.num_batches for task, stream in self.streams.items()}
        order = self.sampler.plan(num_batches, epoch, self.settings.epochs, generator)
        size = self.settings.accumulate
        return [order[start : start + size] for start in range(0, len(order), size)]

    def _stream(self, split: TaskSplit) -> BatchStream:
        return BatchStream(split, self.settings.batch_size, self.seed, self.settings.batch_tokens)

    def _steps(self) -> Iterator[Step]:
        progress = self.progress
        for tasks in self.plan(progress.epoch)[progress.step_in_epoch :]:
            if not self.model.training:
                self.model.train()  # goes through all modules
            self._set_rate()
            with section("data"):
                batches = [self.streams[task].next() for task in tasks]
            result = self._update(batches)
            work = {**self._sizes(batches), **result.work}
            progress.add_step(result.losses, work, finite_only=self.settings.on_nonfinite == "skip")
            self._judge(batches, result)
            place = progress.epoch + 1, progress.step, progress.step_in_epoch
            yield Step(*place, self.steps_per_epoch, result.losses, work)

    def _update(self, batches: Sequence[Batch]) -> StepResult:
        num_split = self.optimization.num_split
        try:
            with section("forward"), flushed_subnormals():
                result = self.update.step(self.model, batches, self.optimization, self.settings.precision)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            sizes = " and ".join(map(size_of, batches))
            remedy = "lower batch_size, set batch_tokens, or split such batches with on_out_of_memory: 'split'"
            raise OutOfMemoryError(f"out of memory in step {self.progress.step + 1:,}: {sizes}; {remedy}") from None
        if split := self.optimization.num_split - num_split:
            return replace(result, work={**result.work, "split_batches": split})
        return result

    def _judge(self, batches: Sequence[Batch], result: StepResult) -> None:
        """Has the step checked for values that are not finite, under the policy `on_nonfinite`."""
        sound = [self.optimization.soundness(), *([] if result.sound is None else [result.sound])]
        losses = [loss for _, loss in result.losses]
        self.soundness.see(self.progress.epoch + 1, self.progress.step, batches, sound, losses)

    def _sizes(self, batches: Sequence[Batch]) -> dict[str, int]:
        return {
            "tokens": sum(self.train[batch.task].num_tokens(batch.indices_B) for batch in batches),
            "padded_tokens": sum(batch.text.mask_BT.numel() for batch in batches),
        }

    def _set_rate(self) -> None:
        if self.schedule:
            total = self.settings.epochs * self.steps_per_epoch
            self.optimization.set_rate(self.schedule.factor(self.progress.step, total, self.steps_per_epoch))

    def _end_epoch(self) -> EpochEnd:
        losses = self.check_losses()
        check_equal(self.model)
        skipped = self.soundness.end_epoch(self.steps_per_epoch)
        idle = self._idle_parts() if self.progress.epoch == 0 else []
        dev, notes = self._evaluate_dev()
        test = self._evaluate(self.test) if self.settings.test_every_epoch else {}
        headlines = {task.split.task: dev[str(task.headline_figure)] for task in self.dev}
        notes += self.movement.end_epoch(self.dev, dev)
        scores = self.selection.scores(headlines) if headlines else {}
        work = dict(self.progress.work)
        improved = self.progress.end_epoch(scores)
        epoch, step = self.progress.epoch, self.progress.step
        with section("evaluation"):
            recorded = self.recording.observe()
        return EpochEnd(epoch, step, losses, dev, test, scores, improved, work, skipped, idle, recorded, notes)

    def _observed(self) -> dict[str, TaskSplit]:
        """What records look at: dev data where there are some."""
        return {**self.train, **{task.split.task: task.split for task in self.dev}}

    def _names(self, parameters: Collection[torch.nn.Parameter]) -> list[str]:
        return list(named(self.model, self.optimization.shards.in_model(parameters)))

    def _trained(self) -> list[str]:
        """The names of the optimizer's parameters in its own order: its state knows them by their places alone."""
        groups = self.optimization.optimizer.param_groups
        return [name for group in groups for name in self._names(group["params"])]

    def _idle_parts(self) -> list[str]:
        known = self.optimization.parameters, self.optimization.idle
        found = idle_parts(self.model, *map(self.optimization.shards.in_model, known))
        self.optimization.idle = []  # they are named once
        return found

    def check_losses(self) -> dict[str, float]:
        """The mean training loss of each task in this epoch so far, over the batches whose loss was finite.

        Raises:
            DivergedError: one was not finite and is not to be skipped; a checkpoint taken now would be useless.
        """
        self.soundness.judge(wait=True)
        return self.progress.mean_losses(self.soundness.unsound_losses)

    def _evaluate_dev(self) -> tuple[dict[str, float], list[str]]:
        """The figures of the dev data, and sentences about models that give one label only."""
        figures, notes = {}, []
        with section("evaluation"):
            for task in self.dev:
                answers = predictions_of(self.model, task, self.settings.evaluation_batch_size, self.settings.precision)
                figures.update(answers.figures())
                notes += self.movement.see_answers(answers)
        return with_averages(figures), notes

    def _evaluate(self, tasks: Sequence[EvaluationTask]) -> dict[str, float]:
        with section("evaluation"):
            figures = evaluate(self.model, tasks, self.settings.evaluation_batch_size, self.settings.precision)
        return with_averages(figures)
