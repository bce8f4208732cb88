"""A stage of a run before it trains: its folder, its seed, its paths, and its initial model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

import torch
from safetensors.torch import load_file

from mtlkit.archive import SHARING, components_of_model, save_files, saved_members, with_saved_files
from mtlkit.data import TaskSplit, Vectors, Vocabulary
from mtlkit.experiment import Corpora, Experiment, TaskPaths, build_model, experiment_of, seed_of, stages_of, tasks_of
from mtlkit.files import Fingerprint, check_unchanged
from mtlkit.kernels.compute import hand_down
from mtlkit.model import MultiTaskModel
from mtlkit.process.interrupts import Interrupts
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.listeners import Listener
from mtlkit.runs.new_model import new_model
from mtlkit.runs.scoring import evaluation_tasks
from mtlkit.runs.stage_directory import StageDirectory
from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.training import (
    Checkpoints,
    EvaluationTask,
    StageSettings,
    Trainer,
    evaluate,
    load_weights,
    seed_all,
    taken_over,
)
from mtlkit.types import Say


@dataclass(frozen=True)
class Setting:
    """What all stages of a run share."""

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
    """Called when it is certain that the run continues, whatever has changed since it began."""
    fingerprints: Sequence[Fingerprint] = ()
    """Those of the pretrained vectors and archives, whose digests the run records; they are checked after reading."""
    ranks: Ranks = ONE
    """The processes of the run."""
    summed_seeds: bool = False
    """Whether the run began under a version that gave stage n the seed of the experiment plus n."""


@dataclass(frozen=True)
class Outcome:
    """The result of a finished stage."""

    experiment: Experiment
    """The experiment that the stage trained, which an archive of it contains."""
    paths: TaskPaths | None
    """The paths that have been derived so far."""
    weights: dict[str, Path]
    """The file of each set of weights that the selection keeps, by the name of the set."""
    metrics: dict[str, Any]
    log_size: int
    """The size of the run's `metrics.jsonl` in bytes at the end of the stage."""
    ran: dict[str, str] | None = None
    """What ran its operations, as `what_ran` returns it; None if an mtlkit that did not record it trained a part."""

    @property
    def only_weights(self) -> Path:
        """The file of the only set of weights, with which another stage can continue."""
        (weights,) = self.weights.values()
        return weights


@final
class Stage:
    """One stage of a run and what it follows.

    Nothing happens when it is made: `derive_paths` and `trainer` do the work, in this order, after the process has been
    set up as the stage's trainer wants it.

    Args:
        setting: what all stages of the run share.
        number: which stage it is, from 0.
        before: the outcome of the stage before it; None for the first.
    """

    def __init__(self, setting: Setting, number: int, before: Outcome | None) -> None:
        stages = stages_of(setting.experiment)
        self.setting = setting
        self.settings: StageSettings = stages[number]
        self.before = before
        self.name = self.settings.name if len(stages) > 1 else None
        self.is_last = number == len(stages) - 1
        self.folder: StageDirectory = setting.directory.stage(self.name)
        self.seed = seed_of(setting.experiment, number, summed=setting.summed_seeds)
        self.log_size = before.log_size if before else 0
        # The place of the scheme in the run's experiment, after which folders of saved files are named. Stages with
        # schemes of their own would otherwise overwrite each other's files.
        self._scheme_place = SHARING if self.settings.sharing is None else f"stages.{number}.sharing"

    def experiment(self, paths: TaskPaths | None, begun: bool) -> Experiment:
        """The experiment that the stage trains, with `paths` fixed if its scheme is a search that has derived some.

        If the run has begun, components are given the files that they saved in it.
        """
        experiment = experiment_of(self.setting.experiment, self.settings, paths)
        return self._with_files(experiment) if begun else experiment

    def save_files(self, experiment: Experiment, model: MultiTaskModel) -> Experiment:
        """Lets the components of the stage's model save their files, and returns the experiment that refers to these.

        Raises:
            ComponentError, ArchiveError: the files cannot be put into an archive.
        """
        components = components_of_model(model, experiment, self._scheme_place)
        self.setting.ranks.first(partial(save_files, self.setting.directory.files, components))
        experiment = self._with_files(experiment)
        saved_members(experiment)  # files that are too large for an archive are reported now, not after training
        return experiment

    def _with_files(self, experiment: Experiment) -> Experiment:
        return with_saved_files(experiment, self.setting.directory.files, self._scheme_place)

    def derive_paths(self) -> TaskPaths | None:
        """The paths that tasks keep to during the stage; None if there are none.

        If the stage derives them, they are written to its folder before it trains, so that a resumed stage has the
        same ones.
        """
        before = self.before
        if before is None or self.settings.sharing is not None:
            return None
        if self.settings.derive is None:
            return before.paths
        if (known := self.setting.ranks.first(self.folder.read_paths)) is not None:
            return known
        seed_all(self.seed)
        paths = self._derived(before)
        self.setting.ranks.first(partial(self.folder.write_paths, paths))
        return paths

    def _derived(self, before: Outcome) -> TaskPaths:
        assert self.settings.derive is not None
        model = self._empty_model(before.experiment).eval()
        # The model is that of the stage before, but this stage computes: scores that differ in their last digits, as
        # with other kernels or threads, could choose other paths.
        hand_down(model, replace(self.settings.trainer.compute, ranks=self.setting.ranks))
        load_weights(before.only_weights, model, model.tasks)
        scheme, trainer = model.sharing, before.experiment.trainer
        assert isinstance(scheme, SearchableScheme), "checked before any data were read"
        dev = {task.split.task: task for task in self.scored("dev", before.experiment, model)}

        def score(task: str, path: ModulePath) -> float:
            figures = evaluate(model, [dev[task]], trainer.evaluation_batch_size, trainer.precision, path)
            return figures[str(dev[task].headline_figure)]

        derivation = self.settings.derive.build()
        paths = {}
        for task in tasks_of(self.setting.experiment, self.settings):
            paths[task] = derivation.derive(scheme, task, score)
            self.setting.say(f"path of {task}: {' -> '.join(map(str, paths[task])) or 'no module'}")
        return paths

    def trainer(self, experiment: Experiment, begun: bool) -> Trainer:
        """Builds the trainer of the stage's model, before its first step.

        Args:
            experiment: the return value of `experiment`.
            begun: whether the run directory exists, so that the stage may have left checkpoints, whose weights are
                loaded next.

        Raises:
            ConfigError: the model cannot be built.
        """
        # Seeding comes right before the model is built, so that initial weights do not depend on what came before:
        # deriving paths, or an earlier stage that a resumed run skips.
        seed_all(self.seed)
        resumes = begun and Checkpoints(self.folder.checkpoints).exist
        model = self._empty_model(experiment) if resumes else self._new_model(experiment)
        hand_down(model, replace(model.compute, ranks=self.setting.ranks))
        setting = self.setting
        train = {
            task: TaskSplit(
                task,
                corpus,
                setting.vocabulary,
                columns=model.embedder(task).tables,
                costs=model.embedder(task).costs,
                device=setting.device,
            )
            for task, corpus in setting.corpora.of_split("train").items()
            if task in experiment.tasks
        }
        dev, test = (self.scored(split, experiment, model) for split in ("dev", "test"))
        selection = experiment.trainer.selection.build(tasks=list(experiment.tasks))
        return Trainer(model, train, dev, test, selection, experiment.trainer, self.seed)

    def scored(self, split: str, experiment: Experiment, model: MultiTaskModel) -> list[EvaluationTask]:
        """The data of a split for each of the stage's tasks that has it, ready to be scored."""
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

    def _empty_model(self, experiment: Experiment) -> MultiTaskModel:
        """A model without initial weights, for weights that are loaded next."""
        return build_model(experiment, self.setting.vocabulary, fresh=False).to(self.setting.device)

    def _new_model(self, experiment: Experiment) -> MultiTaskModel:
        """A newly initialised model, except for the parameters that the stage keeps from the previous one."""
        setting, before = self.setting, self.before
        model = new_model(experiment, setting.vocabulary, setting.vectors(), setting.say).to(setting.device)
        check_unchanged(setting.fingerprints, [entry.archive for entry in experiment.model.pretrained])
        if before is not None and self.settings.keep != []:
            weights = load_file(before.only_weights, device=str(setting.device))
            kept = taken_over(model, weights, self.settings.keep)
            model.load_state_dict(kept, strict=False)
            setting.say(f"{len(kept)} of {len(model.state_dict())} tensors go on from the stage before")
        return model
