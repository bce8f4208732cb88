"""An opened archive, which provides models and readers."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import torch
from numpy.typing import NDArray

from mtlkit.archive.fitting import forms_in, forms_of, misfit, outline
from mtlkit.archive.made_here import DataOfTraining, recalled
from mtlkit.archive.members import damaged
from mtlkit.archive.refusals import UNBUILDABLE, first_problem, reading, unsound
from mtlkit.data import DatasetReader, Vocabulary, build_reader, normalized
from mtlkit.errors import ArchiveError, DataError, MtlkitError
from mtlkit.experiment import Experiment, build_model
from mtlkit.kernels.compute import hand_down
from mtlkit.kernels.postponing import Postponed
from mtlkit.model import MultiTaskModel
from mtlkit.process.processor_time import TimeLimit
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.sharing import SearchableScheme
from mtlkit.text import printable
from mtlkit.training import ModelSelection, load_weights
from mtlkit.training.precision import Precision


@final
@dataclass
class Archive:
    """An opened archive. A set of weights is loaded on first use, when a task that it serves is requested, and is then
    kept.
    """

    path: Path
    experiment: Experiment
    vocabulary: Vocabulary
    folder: Path
    """The folder with the unpacked members."""
    seen: NDArray[Any]
    device: torch.device
    meta: dict[str, Any]
    digest: str
    """What the archive is known by (see `manifest_digest`)."""
    postponed: Postponed = field(default_factory=Postponed)
    """When the compiled kernels of its models are built if the cache has none: a few texts are answered without."""
    ranks: Ranks = ONE
    """The processes that share the texts that are scored."""
    precision: Precision = field(init=False)
    """What answers are computed in: as in training, unless it is changed."""
    _models: dict[str, MultiTaskModel] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.precision = self.experiment.trainer.precision

    def model_for(self, task: str) -> MultiTaskModel:
        """Returns the model with the weights that serve a task, ready to decode the task's texts.

        Raises:
            ArchiveError: the weights contain values that are not finite, or do not encode a path through the model.
        """
        weights = self._selection.weights_for(task)
        if weights not in self._models:
            self._models[weights] = self._load(weights)
        return self._models[weights]

    def reader_for(self, task: str) -> DatasetReader:
        """Returns the reader of a task's texts, which gives words and targets in the normal form of the experiment.

        Raises:
            ArchiveError: it cannot be built, or reads texts for another kind of task.
        """
        settings = self.experiment.tasks[task]
        try:
            reader = build_reader(settings.reader, self.experiment.normalization)
            problem = next(settings.misfits(reader), None)
        except MtlkitError as error:  # such as of a library that is not installed
            raise ArchiveError(f"{self.path}: tasks.{task}.reader: {printable(str(error))}") from None
        except UNBUILDABLE as error:
            raise unsound(self.path, f"tasks.{task}.reader: {first_problem(error)}") from None
        if problem is not None:
            raise unsound(self.path, f"tasks.{task}.{problem}")
        return reader

    @cached_property
    def data_of_training(self) -> DataOfTraining | None:
        """The files of data that the archive was trained on, if this user has made it here. Otherwise None: no file may
        be read because the archive names it.

        Raises:
            ArchiveError: somebody else can change what the cache says about it.
        """
        try:
            return recalled(self.digest)
        except DataError as error:  # which is not about the data, of which a report is without if they are missing
            raise ArchiveError(f"{self.path}: whether it was made here cannot be told: {error}") from None

    def labels_in_files(self, task: str) -> list[str]:
        """Returns the labels of a task, and the labels in its files that the reader renames to them, in the normal form
        of the experiment. Does not build the reader.
        """
        reader = self.experiment.tasks[task].reader
        setting = reader.component.renames_by
        renamed = None if setting is None else getattr(reader.settings, setting)
        return [
            *self.vocabulary.labels(task),
            *(normalized(each, self.experiment.normalization) for each in renamed or ()),
        ]

    @cached_property
    def _selection(self) -> ModelSelection:
        try:
            return self.experiment.trainer.selection.build(tasks=list(self.experiment.tasks))
        except (MtlkitError, *UNBUILDABLE) as error:
            raise unsound(self.path, f"trainer.selection: {first_problem(error)}") from None

    @property
    def num_weights(self) -> int:
        """The number of sets of weights: one, or one per task."""
        return len(self._weights)

    @property
    def _weights(self) -> dict[str, list[str]]:
        """The tasks that each set of weights serves."""
        tasks = list(self.experiment.tasks)
        names = dict.fromkeys(map(self._selection.weights_for, tasks))
        return {name: self._selection.served_by(name, tasks) for name in names}

    def check_weights(self, limit: TimeLimit) -> None:
        """Checks that all weights have the shapes and types that the experiment requires, before memory is allocated
        for them.

        Args:
            limit: the time that is left.

        Raises:
            ArchiveError: they do not, or the model cannot be built.
            OutOfTime: no time is left.
        """
        try:
            model = outline(self.experiment, self.vocabulary, limit)
        except (MtlkitError, *UNBUILDABLE) as error:
            raise unsound(self.path, f"model: {first_problem(error)}") from None
        for name, tasks in self._weights.items():
            limit.check()
            with reading(self.path, self.folder, f"weights/{name}.safetensors") as file:
                found = forms_in(file)
            if reason := misfit(found, forms_of(model.weights_of(tasks))):
                raise ArchiveError(
                    f"{self.path}: weights/{name}.safetensors does not fit the experiment: {printable(reason)}; copy "
                    "or make it again"
                )

    def _load(self, weights: str) -> MultiTaskModel:
        model = build_model(self.experiment, self.vocabulary, fresh=False).to(self.device).eval()
        compute = self.experiment.trainer.compute.anywhere()
        hand_down(model, replace(compute, postponed=self.postponed, ranks=self.ranks))
        member = f"weights/{weights}.safetensors"
        with reading(self.path, self.folder, member) as file:
            load_weights(file, model, self._weights[weights])
            for name, parameter in model.named_parameters():
                if parameter.isnan().any():
                    raise ValueError(f"{name} holds a value that is not a number")
        if isinstance(model.sharing, SearchableScheme):
            try:
                for task in self._weights[weights]:
                    model.sharing.best(task)
            except MtlkitError as error:
                raise damaged(self.path, member, error) from None
        return model
