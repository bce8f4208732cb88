"""An experiment: the table of contents of an experiment file, as one validated value."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationInfo, field_validator
from torch import nn

from mtlkit.config import Lazy, Spec
from mtlkit.data import DatasetReader, ResplitSettings, Vectors, Vocabulary, VocabularySettings
from mtlkit.embedders import Embedder
from mtlkit.figures import AVERAGE
from mtlkit.heads import Head
from mtlkit.initializers import Initializer
from mtlkit.kernels.compute import hand_down
from mtlkit.metrics import Metric
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import SharingScheme
from mtlkit.training import StageSettings, TrainerSettings
from mtlkit.training.devices import reporting_out_of_memory
from mtlkit.types import DataPath, NonNegativeFloat, Pattern, PositiveInt, Probability

SPLITS = ("train", "dev", "test")
TARGETS = {"label": "one label per text", "tags": "one tag per word"}


class TaskSettings(Spec):
    """One task: its data, its head, how it is scored."""

    reader: Lazy[DatasetReader]
    """Turns files into texts and targets, and a user's text into one to predict for."""
    train: str
    """What the reader is asked for: for most readers a path, from where the command is run."""
    dev: str | None = None
    """Chooses the epoch whose weights are kept."""
    test: str | None = None
    """Scored once, at the end; chooses nothing."""
    head: Lazy[Head]
    """The task's output layer."""
    metrics: list[Lazy[Metric]] = []
    """The first one's headline selects models; empty for the head's own."""
    weight: NonNegativeFloat = 1.0
    """lambda_k of the joint loss (Liu et al. 2019, eq. 14)."""
    max_length: PositiveInt | None = None
    """Longer texts are cut to their first words."""
    resplit: ResplitSettings | None = None
    """Draws the splits anew out of the files' texts; none takes the files as the splits."""

    @field_validator("resplit")
    @classmethod
    def _has_what_it_draws(cls, resplit: ResplitSettings | None, info: ValidationInfo) -> ResplitSettings | None:
        for split in resplit.splits if resplit else ():
            if split in info.data and info.data[split] is None:
                raise ValueError(f"draws {split} anew, and there is no {split} file; set the task's {split}")
        return resplit

    def sources(self) -> dict[str, str]:
        """The splits that the task has."""
        return {split: source for split in SPLITS if (source := getattr(self, split)) is not None}

    def scorers(self) -> list[Lazy[Metric]]:
        """The metrics, or the head's own where none are named."""
        return self.metrics or [Lazy.of(Metric.by_name(name)) for name in self.head.component.default_metrics]

    @property
    def headline(self) -> str:
        """The score that selects models: the headline of the first metric."""
        return self.scorers()[0].component.headline

    def misfits(self, reader: DatasetReader) -> Iterator[str]:
        """The setting and what is wrong with it, where head or metrics are for other targets than the task's reader."""
        given = f"the reader '{self.reader.type}' gives {TARGETS[reader.target_kind]}"
        head = self.head.component
        if head.target_kind != reader.target_kind:
            yield f"head: '{self.head.type}' needs {TARGETS[head.target_kind]}, {given}"
        for index, metric in enumerate(self.metrics):
            wanted = metric.component.target_kind
            if wanted != reader.target_kind:
                yield f"metrics.{index}: '{metric.type}' scores {TARGETS[wanted]}, {given}"


class InitializerSettings(Spec):
    """An entry of `model.initializers`: what some parameters begin as."""

    pattern: Pattern
    """A regular expression, found in their names. Of several that are, the first counts."""
    initializer: Lazy[Initializer]
    """Fills each of them."""


class PretrainedSettings(Spec):
    """An entry of `model.pretrained`: parameters that begin as they are in another archive."""

    archive: DataPath
    """An archive, of whatever experiment; nothing of its author's is run."""
    parameters: list[Pattern] = Field(min_length=1)
    """Regular expressions; parameters in whose names here one is found are taken over."""
    rename: dict[str, str] = {}
    """How names begin there, and how they begin here instead, as in { 'sharing.encoder.': 'sharing.shared.' }."""
    task: str | None = None
    """Whose weights, where the archive keeps a set for each task."""


class ModelSettings(Spec):
    """The model but for its heads, which belong to the tasks."""

    embedder: Lazy[Embedder]
    """Vectors of words, characters or both."""
    sharing: Lazy[SharingScheme]
    """Between embedder and heads: what the tasks have in common, and how."""
    dropout: Probability = 0.0
    """On the states that the heads read."""
    share_embedder: bool = True
    """One embedder for all tasks, or one for each. Both papers are silent; one table is the usual reading."""
    initializers: list[InitializerSettings] = []
    """What parameters begin as; those that no pattern names begin as their components have it."""
    pretrained: list[PretrainedSettings] = []
    """Parts of other archives to begin with."""


class Experiment(Spec):
    """A whole experiment file."""

    seed: int = Field(default=13, ge=0, lt=2**63)
    """Of every random generator."""
    tasks: dict[str, TaskSettings] = Field(min_length=1)
    """The tasks by name."""
    drop_test_texts: bool = False
    """Leave train texts out that equal a test text of any task; so it is the texts that decide, never their targets."""
    drop_dev_texts: bool = False
    """Leave those out that equal a dev text of any task, so that no epoch is chosen by texts that were trained on."""
    vocabulary: VocabularySettings = VocabularySettings()
    """Which words are known, and pretrained vectors for them."""
    model: ModelSettings
    """Everything between texts and heads."""
    stages: list[StageSettings] = []
    """Parts of a run that follow each other, each with a trainer of its own; none for a run with one trainer."""
    trainer: TrainerSettings = TrainerSettings()
    """How the model is trained, where there are no stages."""

    @field_validator("tasks")
    @classmethod
    def _plain_names(cls, tasks: dict[str, TaskSettings]) -> dict[str, TaskSettings]:
        for name in tasks:
            # PyTorch keeps modules by task name, next to its own attributes.
            taken = name in (AVERAGE, SHARED) or hasattr(nn.ModuleDict(), name)
            if taken or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                reason = "the name is taken" if taken else "use letters, digits, '_' and '-'"
                raise ValueError(f"'{name}' cannot name a task: {reason}")
        return tasks

    @field_validator("drop_test_texts", "drop_dev_texts")
    @classmethod
    def _something_to_drop(cls, drop: bool, info: ValidationInfo) -> bool:
        split = "test" if info.field_name == "drop_test_texts" else "dev"
        if drop and not any(getattr(task, split) for task in info.data.get("tasks", {}).values()):
            raise ValueError(
                f"no task has {split} data, so there is nothing to leave out; remove it or set a task's {split}"
            )
        return drop

    @field_validator("stages")
    @classmethod
    def _different_names(cls, stages: list[StageSettings]) -> list[StageSettings]:
        names = [stage.name for stage in stages]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two stages are named '{twice}'; rename one")
        return stages

    @field_validator("trainer")
    @classmethod
    def _one_place_for_trainers(cls, trainer: TrainerSettings, info: ValidationInfo) -> TrainerSettings:
        if info.data.get("stages"):
            raise ValueError("each stage has a trainer of its own; move this into stages.0.trainer and those after it")
        return trainer

    def to_json(self) -> dict[str, Any]:
        """The resolved experiment, every default filled in; validates to itself."""
        return self.model_dump(mode="json", exclude={"trainer"} if self.stages else None)


SECTIONS: dict[str, type[Spec]] = {
    "experiment": Experiment,
    "tasks": TaskSettings,
    "resplit": ResplitSettings,
    "vocabulary": VocabularySettings,
    "model": ModelSettings,
    "initializers": InitializerSettings,
    "pretrained": PretrainedSettings,
    "stages": StageSettings,
    "trainer": TrainerSettings,
}
"""What an experiment file is made of; under `tasks` each task, and its `resplit`; in `model.initializers`,
`model.pretrained` and `stages` each entry."""


def build_model(
    experiment: Experiment, vocabulary: Vocabulary, vectors: Vectors | None = None, *, fresh: bool = True
) -> MultiTaskModel:
    """The experiment's model on the current default device, to compute as its trainer says.

    Args:
        experiment: says what to build.
        vocabulary: of its training data, or of its archive.
        vectors: pretrained ones for fresh weights, if there are any.
        fresh: whether the weights begin here; False where all of them are loaded afterwards.

    Raises:
        ConfigError: parts do not fit each other or the tasks.
        OutOfMemoryError: it does not fit the memory.
    """
    with reporting_out_of_memory(lambda: "building the model", "make its dimensions or its vocabulary smaller"):
        model = _built(experiment, vocabulary, vectors, fresh)
    hand_down(model, experiment.trainer.compute)
    return model


def _built(experiment: Experiment, vocabulary: Vocabulary, vectors: Vectors | None, fresh: bool) -> MultiTaskModel:
    settings, tasks = experiment.model, list(experiment.tasks)
    owners = [SHARED] if settings.share_embedder else tasks
    given = {"vocabulary": vocabulary, "vectors": vectors, "fresh": fresh}
    embedders = {owner: settings.embedder.build(**given) for owner in owners}
    embedding_dim = next(iter(embedders.values())).output_dim
    sharing = settings.sharing.build(input_dim=embedding_dim, tasks=tasks)
    heads = {
        name: task.head.build(input_dim=sharing.output_dim, labels=vocabulary.labels(name))
        for name, task in experiment.tasks.items()
    }
    weights = {name: task.weight for name, task in experiment.tasks.items()}
    return MultiTaskModel(embedders, sharing, heads, weights, settings.dropout)
