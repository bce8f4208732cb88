"""An experiment: the table of contents of an experiment file, as one validated value."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mtlkit.config import Lazy, Spec
from mtlkit.data import DatasetReader, Normalization, ResplitSettings, Vectors, Vocabulary, VocabularySettings
from mtlkit.embedders import Embedder
from mtlkit.experiment.names import impossible_task
from mtlkit.heads import Head
from mtlkit.initializers import Initializer
from mtlkit.kernels.compute import hand_down
from mtlkit.metrics import Metric
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import SharingScheme
from mtlkit.training import StageSettings, TrainerSettings, UnfreezeSettings
from mtlkit.training.devices import reporting_out_of_memory
from mtlkit.types import DataPath, NonNegativeFloat, Pattern, PositiveInt, Probability

SPLITS = ("train", "dev", "test")
TARGETS = {"label": "one label per text", "tags": "one tag per word"}


class TaskSettings(Spec):
    """One task: its data, its head, and its metrics."""

    reader: Lazy[DatasetReader]
    """The dataset reader, which turns files into texts and targets, and a raw text into an input for prediction."""
    train: str
    """The training data; for most readers a path, relative to the working directory."""
    dev: str | None = None
    """The dev data, on which the epoch whose weights are kept is chosen; without a file, `resplit` can draw them."""
    test: str | None = None
    """The test data, which are scored once, at the end, and choose nothing; `resplit` can draw them as well."""
    head: Lazy[Head]
    """The task's output layer."""
    metrics: list[Lazy[Metric]] = []
    """The metrics. The headline of the first selects models; empty for the head's own metrics."""
    weight: NonNegativeFloat = 1.0
    """The task's weight in the joint loss, lambda_k (Liu et al. 2019, eq. 14)."""
    max_length: PositiveInt | None = None
    """The largest number of words of a text; longer texts are cut to their first words. None cuts nothing."""
    resplit: ResplitSettings | None = None
    """How to draw the splits from the texts of all files, or of the train file alone; None takes each file as its
    split.
    """

    def sources(self) -> dict[str, str]:
        """The data that the reader is asked for, by the setting that names them: `train`, and `dev` and `test` if set.

        Not every split need have data of its own; see `splits`.
        """
        return {split: source for split in SPLITS if (source := getattr(self, split)) is not None}

    def pooled(self) -> dict[str, str]:
        """The part of `sources` whose texts `resplit` pools to draw the splits from; empty without `resplit`."""
        return {split: source for split, source in self.sources().items() if split in self.drawn}

    @property
    def drawn(self) -> tuple[str, ...]:
        """The splits that `resplit` draws."""
        return tuple(self.resplit.splits) if self.resplit else ()

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the task has, in the order of `SPLITS`: from data of their own, or drawn by `resplit`."""
        return tuple(split for split in SPLITS if split in self.drawn or split in self.sources())

    def scorers(self) -> list[Lazy[Metric]]:
        """The metrics of the task, which are the head's own if the setting names none."""
        return self.metrics or [Lazy.of(Metric.by_name(name)) for name in self.head.component.default_metrics]

    @property
    def headline(self) -> str:
        """The name of the score that selects models: the headline of the first metric."""
        return self.scorers()[0].component.headline

    def misfits(self, reader: DatasetReader) -> Iterator[str]:
        """Yields a message for each setting of head and metrics that is for other targets than those of the reader."""
        given = f"the reader '{self.reader.type}' gives {TARGETS[reader.target_kind]}"
        head = self.head.component
        if head.target_kind != reader.target_kind:
            fitting = _names(Head, reader.target_kind)
            yield f"head: '{self.head.type}' needs {TARGETS[head.target_kind]}, {given}; take a head for it{fitting}"
        if reader.reads_pairs and self.max_length is not None:
            yield "max_length: would cut the second text of a pair; leave it out, and set the reader's `max_words`"
        for index, metric in enumerate(self.metrics):
            wanted = metric.component.target_kind
            if wanted != reader.target_kind:
                fitting = _names(Metric, reader.target_kind)
                yield f"metrics.{index}: '{metric.type}' scores {TARGETS[wanted]}, {given}; take one for it{fitting}"


def _names(interface: type[Head] | type[Metric], target_kind: str) -> str:
    """The names of the heads or metrics for a kind of target, in brackets; empty if there is none."""
    names = [name for name in interface.list_available() if interface.by_name(name).target_kind == target_kind]
    return f" ({', '.join(names)})" if names else ""


class InitializerSettings(Spec):
    """An entry of `model.initializers`: the initial values of some parameters."""

    pattern: Pattern
    """A regular expression that is searched for in names of parameters. The first entry that matches counts."""
    initializer: Lazy[Initializer]
    """The initializer that fills each of these parameters."""
    alike: bool = False
    """Whether parameters whose names differ only in the task begin with the same values, such as the LSTMs of all
    tasks, instead of each with its own."""


class PretrainedSettings(Spec):
    """An entry of `model.pretrained`: parameters whose initial values are taken from another archive."""

    archive: DataPath
    """The archive, which may be of any experiment; none of its author's code is run."""
    parameters: list[Pattern] = Field(min_length=1)
    """Regular expressions that are searched for in this model's parameter names; those that match are taken over."""
    rename: dict[str, str] = {}
    """Beginnings of names in the archive, and those in this model, as in { 'sharing.encoder.': 'sharing.shared.' }."""
    task: str | None = None
    """The task whose weights are taken, if the archive keeps a set for each task."""


class ModelSettings(Spec):
    """The model, except for its heads, which belong to the tasks."""

    embedder: Lazy[Embedder]
    """The embedder, which gives a vector for each word."""
    sharing: Lazy[SharingScheme]
    """The sharing scheme, which lies between embedder and heads and determines what the tasks share, and how."""
    dropout: Probability = 0.0
    """The dropout rate on the states that the heads read."""
    share_embedder: bool = True
    """Whether all tasks share one embedder, or each has its own. Neither paper says; one table is the usual reading."""
    initializers: list[InitializerSettings] = []
    """Initial values of parameters; those that no pattern matches are initialised by their components."""
    pretrained: list[PretrainedSettings] = []
    """Parts of other archives whose weights the model begins with."""


class Experiment(Spec):
    """A whole experiment file."""

    seed: int = Field(default=13, ge=0, lt=2**63)
    """The seed of every random generator."""
    tasks: dict[str, TaskSettings] = Field(min_length=1)
    """The tasks by name."""
    normalization: Normalization = "nfc"
    """The Unicode normal form of all words and labels: in data files, vectors, and texts to predict. With `nfc`, an
    accented letter of one code point equals that of two, a letter and an accent; with `nfkc`, variants of a character
    are equal as well, such as a full-width `Ａ` and `A`; `none` leaves texts as they are.
    """
    drop_test_texts: bool = False
    """Leave out train texts that equal a test text of any task. Only texts are compared, never their targets."""
    drop_dev_texts: bool = False
    """Leave out train texts that equal a dev text of any task, so that no epoch is chosen on texts trained on."""
    vocabulary: VocabularySettings = VocabularySettings()
    """The vocabulary: which words are known, and pretrained vectors for them."""
    model: ModelSettings
    """The model: everything between texts and heads."""
    stages: list[StageSettings] = []
    """Stages of the run, one after the other, each with a trainer of its own; empty for a run with one trainer."""
    trainer: TrainerSettings = TrainerSettings()
    """How the model is trained, if there are no stages."""

    @field_validator("tasks")
    @classmethod
    def _possible_names(cls, tasks: dict[str, TaskSettings]) -> dict[str, TaskSettings]:
        details = [
            InitErrorDetails(
                type=PydanticCustomError("value_error", "{message}", {"message": problem}), loc=(name,), input=name
            )
            for name in tasks
            if (problem := impossible_task(name))
        ]
        if details:
            raise ValidationError.from_exception_data(cls.__name__, details)
        return tasks

    @field_validator("drop_test_texts", "drop_dev_texts")
    @classmethod
    def _something_to_drop(cls, drop: bool, info: ValidationInfo) -> bool:
        split = "test" if info.field_name == "drop_test_texts" else "dev"
        if drop and not any(split in task.splits for task in info.data.get("tasks", {}).values()):
            raise ValueError(
                f"no task has {split} data, so there is nothing to leave out; remove it or set a task's {split}"
            )
        return drop

    @field_validator("stages")
    @classmethod
    def _different_names(cls, stages: list[StageSettings]) -> list[StageSettings]:
        counts = Counter(stage.name for stage in stages)
        if twice := next((name for name, count in counts.items() if count > 1), None):
            raise ValueError(f"two stages are named '{twice}'; rename one")
        return stages

    @field_validator("trainer")
    @classmethod
    def _one_place_for_trainers(cls, trainer: TrainerSettings, info: ValidationInfo) -> TrainerSettings:
        if info.data.get("stages"):
            raise ValueError("each stage has a trainer of its own; move this into stages.0.trainer and those after it")
        return trainer

    def to_json(self) -> dict[str, Any]:
        """The resolved experiment, with every default filled in; validating it gives an equal experiment."""
        return self.model_dump(mode="json", exclude={"trainer"} if self.stages else None)

    def uncut(self) -> "Experiment":
        """A copy of this experiment that reads all words of every text, whatever the `max_length` of its tasks.

        An audit that ignores case or white space needs it, since texts that begin alike need not be equal.
        """
        tasks = {name: task.model_copy(update={"max_length": None}) for name, task in self.tasks.items()}
        return self.model_copy(update={"tasks": tasks})


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
    "unfreeze": UnfreezeSettings,
}
"""The sections of an experiment file by name; those of `tasks`, `model.initializers`, `model.pretrained`, `stages` and
`trainer.unfreeze` describe each entry."""


def build_model(
    experiment: Experiment, vocabulary: Vocabulary, vectors: Vectors | None = None, *, fresh: bool = True
) -> MultiTaskModel:
    """Builds the experiment's model on the current default device, with the compute settings of its trainer.

    Args:
        experiment: the experiment that describes the model.
        vocabulary: the vocabulary of the training data, or of the archive.
        vectors: pretrained vectors for fresh weights, if there are any.
        fresh: whether to initialise the weights; False if all of them are loaded afterwards.

    Raises:
        ConfigError: parts do not fit each other or the tasks.
        OutOfMemoryError: the model does not fit in memory.
    """
    with reporting_out_of_memory(lambda: "building the model", "make its dimensions or its vocabulary smaller"):
        model = _built(experiment, vocabulary, vectors, fresh)
    hand_down(model, experiment.trainer.compute)
    return model


def _built(experiment: Experiment, vocabulary: Vocabulary, vectors: Vectors | None, fresh: bool) -> MultiTaskModel:
    settings, tasks = experiment.model, list(experiment.tasks)
    owners = [SHARED] if settings.share_embedder else tasks
    given = {"vocabulary": vocabulary, "vectors": vectors, "fresh": fresh, "tasks": tasks}
    first = settings.embedder.build(**given)
    embedders = {owners[0]: first}
    for owner in owners[1:]:
        embedders[owner] = settings.embedder.build(**given)
        embedders[owner].share_frozen(first)
    sharing = settings.sharing.build(input_dim=first.output_dim, tasks=tasks, embedder=first)
    heads = {
        name: task.head.build(
            input_dim=sharing.output_dim, labels=vocabulary.labels(name), tag_scheme=vocabulary.tags_read_as(name)
        )
        for name, task in experiment.tasks.items()
    }
    weights = {name: task.weight for name, task in experiment.tasks.items()}
    return MultiTaskModel(embedders, sharing, heads, weights, settings.dropout)
