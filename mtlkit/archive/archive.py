"""An archive is written, opened, and gives models.

archive.tar.gz
  manifest.json                 format, sha256 and size of every other member, plugins needed
  experiment.resolved.json      registered names only
  vocabulary/...
  weights/NAME.safetensors      one set, or one per task (model selection `per_task`)
  seen.safetensors              digests of all train and dev texts, for clean scores
  meta.json                     where it comes from

It may come from a stranger: members.py says what may be in it, formats.py which formats there have been.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from mtlkit.archive.documents import Manifest, Meta, parse_json
from mtlkit.archive.fitting import Form, forms_in, forms_of, misfit, outline
from mtlkit.archive.formats import Documents, migrated
from mtlkit.archive.members import EXPERIMENT, MANIFEST, MAX_LABELS, META, SEEN, VOCABULARY, damaged, printable
from mtlkit.archive.packing import as_json, pack
from mtlkit.archive.unpacking import unpack
from mtlkit.config import validate
from mtlkit.data import DatasetReader, Vocabulary
from mtlkit.errors import ArchiveError, ConfigError, DataError, MtlkitError, UnknownComponentError
from mtlkit.experiment import Experiment, build_model
from mtlkit.models import MultiTaskModel
from mtlkit.plugins import INCLUDED, Plugin, failures
from mtlkit.sharing import SearchableScheme
from mtlkit.training import ModelSelection, load_weights

UNREADABLE = (OSError, ValueError, LookupError, TypeError, RecursionError, SafetensorError, DataError)
"""What a member raises that is missing or not what it should be."""
UNBUILDABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What components raise, beside errors of ours, of settings or labels that no model has been trained with."""


@final
@dataclass
class Archive:
    """An opened archive. A set of weights is loaded when a task that it serves is first asked for, and stays."""

    path: Path
    experiment: Experiment
    vocabulary: Vocabulary
    folder: Path
    """Where its members lie."""
    seen: NDArray[Any]
    device: torch.device
    meta: dict[str, Any]
    _models: dict[str, MultiTaskModel] = field(default_factory=dict, init=False, repr=False)

    def model_for(self, task: str) -> MultiTaskModel:
        """The model with the weights that serve a task, ready to decode its texts.

        Raises:
            ArchiveError: weights hold what is no number, or no path through the model.
        """
        weights = self._selection.weights_for(task)
        if weights not in self._models:
            self._models[weights] = self._load(weights)
        return self._models[weights]

    def reader_for(self, task: str) -> DatasetReader:
        """The reader of a task's texts.

        Raises:
            ArchiveError: it cannot be built, or reads texts for another kind of task.
        """
        settings = self.experiment.tasks[task]
        try:
            reader = settings.reader.build()
            problem = next(settings.misfits(reader), None)
        except MtlkitError as error:  # such as of a library that is not installed
            raise ArchiveError(f"{self.path}: tasks.{task}.reader: {printable(str(error))}") from None
        except UNBUILDABLE as error:
            raise _unsound(self.path, f"tasks.{task}.reader: {_first(error)}") from None
        if problem is not None:
            raise _unsound(self.path, f"tasks.{task}.{problem}")
        return reader

    @cached_property
    def _selection(self) -> ModelSelection:
        try:
            return self.experiment.trainer.selection.build(tasks=list(self.experiment.tasks))
        except (MtlkitError, *UNBUILDABLE) as error:
            raise _unsound(self.path, f"trainer.selection: {_first(error)}") from None

    @property
    def num_weights(self) -> int:
        """How many sets of weights there are: one, or one for each task."""
        return len(self._weights)

    @property
    def _weights(self) -> dict[str, list[str]]:
        """The tasks that each set of weights serves."""
        tasks = list(self.experiment.tasks)
        names = dict.fromkeys(map(self._selection.weights_for, tasks))
        return {name: self._selection.served_by(name, tasks) for name in names}

    def check_weights(self) -> None:
        """Makes sure that all weights have the forms that the experiment asks for, before memory is taken for any.

        Raises:
            ArchiveError: they have not, or such a model cannot be built.
        """
        found: dict[str, dict[str, Form]] = {}
        for name in self._weights:
            with _member(self.path, self.folder, f"weights/{name}.safetensors") as file:
                found[name] = forms_in(file)
        try:
            model = outline(self.experiment, self.vocabulary, sum(map(len, found.values())))
        except (MtlkitError, *UNBUILDABLE) as error:
            raise _unsound(self.path, f"model: {_first(error)}") from None
        for name, tasks in self._weights.items():
            if reason := misfit(found[name], forms_of(model.weights_of(tasks))):
                raise ArchiveError(
                    f"{self.path}: weights/{name}.safetensors does not fit the experiment: {printable(reason)}; copy "
                    "or make it again"
                )

    def _load(self, weights: str) -> MultiTaskModel:
        model = build_model(self.experiment, self.vocabulary, None).to(self.device).eval()
        member = f"weights/{weights}.safetensors"
        with _member(self.path, self.folder, member) as file:
            load_weights(file, model, self._weights[weights])
            for name, parameter in model.named_parameters():
                if parameter.isnan().any():
                    raise ValueError(f"{name} holds what is no number")
        if isinstance(model.sharing, SearchableScheme):
            try:
                for task in self._weights[weights]:
                    model.sharing.best(task)
            except MtlkitError as error:
                raise damaged(self.path, member, error) from None
        return model


def write_archive(
    path: Path,
    experiment: Experiment,
    vocabulary: Path,
    weights: Mapping[str, Path],
    seen: NDArray[Any],
    meta: Mapping[str, Any],
) -> None:
    """Writes an archive, whole or not at all. Equal content gives equal bytes.

    Raises:
        ArchiveError: it is too large for anyone to unpack.
    """
    files = sorted(file for file in vocabulary.rglob("*") if file.is_file())
    members: dict[str, Path | bytes] = {
        EXPERIMENT: as_json(experiment.to_json()),
        META: as_json(meta),
        SEEN: save({"digests": seen}),
        **{f"{VOCABULARY}/{file.relative_to(vocabulary).as_posix()}": file for file in files},
        **{f"weights/{name}.safetensors": file for name, file in sorted(weights.items())},
    }
    pack(path, members, meta.get("plugins", {}))


@contextmanager
def open_archive(path: Path, device: torch.device, plugins: Sequence[Plugin] = ()) -> Iterator[Archive]:
    """Unpacks an archive into a temporary folder for the time of the block.

    Args:
        path: the archive.
        device: of its models.
        plugins: that were imported; those that could not be are named when a component is not found.

    Raises:
        ArchiveError: it is missing, damaged, of a newer format, or no archive.
        UnknownComponentError: its experiment names components that are not known here.
    """
    with _unpacked(path) as (folder, manifest):
        yield _read(path, folder, manifest, device, plugins)


def read_documents(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The experiment and the meta data of an archive as JSON, whose components need not be known here.

    Raises:
        ArchiveError: as `open_archive`.
    """
    with _unpacked(path) as (folder, manifest):
        return _documents(path, folder, manifest)


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A temporary folder with the archive's members, and the manifest."""
    if not path.is_file():
        if path.is_dir():
            raise ArchiveError(f"{path}: is a directory; name the archive.tar.gz in it")
        if path.exists():
            raise ArchiveError(f"{path}: is no file but a device or the like; name an archive.tar.gz")
        unfinished = (path.parent / "checkpoints").is_dir()
        hint = "its run is not finished: go on with it by mtlkit train ... --resume" if unfinished else "check the path"
        raise ArchiveError(f"{path}: no such file; {hint}")
    with tempfile.TemporaryDirectory(prefix="mtlkit-") as temporary:
        yield Path(temporary), unpack(path, Path(temporary))


def _documents(path: Path, folder: Path, manifest: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The experiment and the meta data, with the plugins that the manifest names, in today's format."""
    with _member(path, folder, EXPERIMENT) as file:
        experiment = parse_json(file.read_bytes())
    with _member(path, folder, META) as file:
        meta = parse_json(file.read_bytes())
    documents = migrated(Documents(manifest, experiment, meta))
    for member, kind, value in ((MANIFEST, Manifest, documents.manifest), (META, Meta, documents.meta)):
        try:
            validate(kind, value, member)
        except ConfigError as error:
            raise damaged(path, member, _first(error, member)) from None
    return documents.experiment, {**documents.meta, "plugins": documents.manifest["plugins"]}


def _read(
    path: Path, folder: Path, manifest: dict[str, Any], device: torch.device, plugins: Sequence[Plugin]
) -> Archive:
    value, meta = _documents(path, folder, manifest)
    experiment = _experiment(path, value, meta["plugins"], plugins)
    with _member(path, folder, VOCABULARY) as file:
        vocabulary = _vocabulary(file, experiment)
    with _member(path, folder, SEEN) as file:
        if [(form.dtype, len(form.shape)) for form in forms_in(file).values()] != [("I64", 1)]:
            raise ValueError("it is to hold one list of digests")
        seen = np.asarray(load_file(file)["digests"])
    archive = Archive(path, experiment, vocabulary, folder, seen, device, meta)
    archive.check_weights()
    return archive


def _experiment(path: Path, value: Any, made_with: Mapping[str, str], plugins: Sequence[Plugin]) -> Experiment:
    """The experiment, whose components are all known here."""
    try:
        experiment = validate(Experiment, value, EXPERIMENT)
    except UnknownComponentError as error:
        what = f"{_first(error)}{_needed(made_with, plugins)}{failures(plugins)}".replace("\n", "; ")
        raise UnknownComponentError(f"{path}: {EXPERIMENT}: {printable(what)}") from None
    except (ConfigError, *UNBUILDABLE) as error:
        raise _unsound(path, _first(error)) from None
    return experiment


def _vocabulary(folder: Path, experiment: Experiment) -> Vocabulary:
    vocabulary = Vocabulary.load(folder)
    for task in experiment.tasks:
        if not 0 < len(vocabulary.labels(task)) <= MAX_LABELS:
            raise ValueError(f"{task} is to have between 1 and {MAX_LABELS} labels")
    return vocabulary


@contextmanager
def _member(path: Path, folder: Path, name: str) -> Iterator[Path]:
    """Where a member lies; whatever goes wrong when it is read, it is the archive that is damaged."""
    try:
        yield folder / name
    except UNREADABLE as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).replace(f"{folder}/", "")
        raise damaged(path, name, reason) from None


def _unsound(path: Path, what: str) -> ArchiveError:
    remedy = "update mtlkit, or ask its author for a sound one"
    return ArchiveError(f"{path}: {EXPERIMENT}: {printable(what)}; {remedy}")


def _first(error: Exception, member: str = EXPERIMENT) -> str:
    """The first thing that is wrong with a member, and how many more there are; or what PyTorch says at first."""
    if not isinstance(error, MtlkitError):
        return (str(error).splitlines() or [type(error).__name__])[0]
    first, *more = str(error).removeprefix(f"{member}: ").split(f"\n{member}: ")
    return f"{first} (and {len(more)} more)" if more else first


def _needed(made_with: Mapping[str, str], plugins: Sequence[Plugin]) -> str:
    """A line that names the plugins that the archive was made with: those that are not here, or else all of them."""
    here = {plugin.package for plugin in plugins if not plugin.error}
    missing = {name: version for name, version in made_with.items() if name not in here}
    names = [
        f"--include-package {name}" if version == INCLUDED else f"{name} {version}"
        for name, version in (missing or made_with).items()
    ]
    return f"\nthe archive was made with {', '.join(names)}; install or give what is missing" if names else ""
