"""Archives: one file that anyone can evaluate and predict with, and that runs none of its author's code.

archive.tar.gz
  manifest.json                 format, sha256 and size of every other member, plugins needed
  experiment.resolved.json      registered names only
  vocabulary/...
  weights/NAME.safetensors      one set, or one per task (model selection `per_task`)
  seen.safetensors              digests of all train and dev texts, for clean scores
  meta.json                     where it comes from
"""

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, final

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from mtlkit.config import validate
from mtlkit.data import Vocabulary
from mtlkit.errors import ArchiveError, DataError, UnknownComponentError
from mtlkit.experiment import Experiment, build_model
from mtlkit.files import new_file
from mtlkit.models import MultiTaskModel
from mtlkit.plugins import INCLUDED, Plugin, failures
from mtlkit.training import ModelSelection, load_weights

FORMAT = 1
MANIFEST = "manifest.json"
MAX_BYTES = 16 * 2**30
MAX_MEMBERS = 10_000


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
            ArchiveError: weights are damaged, or do not fit the experiment.
        """
        weights = self._selection.weights_for(task)
        if weights not in self._models:
            self._models[weights] = self._load(weights)
        return self._models[weights]

    @cached_property
    def _selection(self) -> ModelSelection:
        return self.experiment.trainer.selection.build(tasks=list(self.experiment.tasks))

    @property
    def num_weights(self) -> int:
        """How many sets of weights there are: one, or one for each task."""
        return len({self._selection.weights_for(task) for task in self.experiment.tasks})

    def _load(self, weights: str) -> MultiTaskModel:
        model = build_model(self.experiment, self.vocabulary, None).to(self.device).eval()
        tasks = self._selection.served_by(weights, list(self.experiment.tasks))
        try:
            with _member(self.path, self.folder, f"weights/{weights}.safetensors") as file:
                load_weights(file, model, tasks)
        except RuntimeError as error:
            reason = str(error).splitlines()[:2][-1].strip()  # PyTorch's first line only says that there are more
            raise ArchiveError(f"{self.path}: the weights '{weights}' do not fit the experiment: {reason}") from None
        return model


def write_archive(
    path: Path,
    experiment: Experiment,
    vocabulary: Path,
    weights: Mapping[str, Path],
    seen: NDArray[Any],
    meta: Mapping[str, Any],
) -> None:
    """Writes an archive, whole or not at all. Equal content gives equal bytes."""
    members: dict[str, Path | bytes] = {
        "experiment.resolved.json": _json(experiment.to_json()),
        "meta.json": _json(meta),
        "seen.safetensors": save({"digests": seen}),
        **{f"vocabulary/{file.relative_to(vocabulary).as_posix()}": file for file in _files(vocabulary)},
        **{f"weights/{name}.safetensors": file for name, file in sorted(weights.items())},
    }
    digests = {name: {"sha256": _sha256(content), "size": _size(content)} for name, content in members.items()}
    manifest = {"format": FORMAT, "plugins": meta.get("plugins", {}), "members": digests}
    # Weights do not compress: level 1 costs little and still packs the text. No times: equal content, equal bytes.
    with (
        new_file(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, content in {MANIFEST: _json(manifest), **members}.items():
            _add(tar, name, content)


@contextmanager
def open_archive(path: Path, device: torch.device, plugins: Sequence[Plugin] = ()) -> Iterator[Archive]:
    """Unpacks an archive into a temporary folder for the time of the block.

    Args:
        path: the archive.
        device: of its models.
        plugins: that were imported; those that could not be are named when a component is not found.

    Raises:
        ArchiveError: it is missing, damaged, of a newer format, or no archive.
        ConfigError: its experiment names components that are not known here.
    """
    with _unpacked(path) as folder:
        yield _read(path, folder, device, plugins)


def read_documents(path: Path) -> tuple[Any, dict[str, Any]]:
    """The experiment and the meta data of an archive as JSON, whose components need not be known here.

    Raises:
        ArchiveError: as `open_archive`.
    """
    with _unpacked(path) as folder:
        return _documents(path, folder)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """A temporary folder with the archive's members."""
    if not path.is_file():
        if path.is_dir():
            raise ArchiveError(f"{path}: is a directory; name the archive.tar.gz in it")
        unfinished = (path.parent / "checkpoints").is_dir()
        hint = "; its run is not finished: go on with it by mtlkit train ... --resume" if unfinished else ""
        raise ArchiveError(f"{path}: no such file{hint}")
    with tempfile.TemporaryDirectory(prefix="mtlkit-") as temporary:
        _unpack(path, Path(temporary))
        yield Path(temporary)


def _documents(path: Path, folder: Path) -> tuple[Any, dict[str, Any]]:
    manifest = _read_manifest(path, folder)
    with _member(path, folder, MANIFEST):
        made_with = dict(manifest["plugins"])
    with _member(path, folder, "meta.json") as file:
        meta = {**json.loads(file.read_bytes()), "plugins": made_with}
    with _member(path, folder, "experiment.resolved.json") as file:
        return json.loads(file.read_bytes()), meta


def _read(path: Path, folder: Path, device: torch.device, plugins: Sequence[Plugin]) -> Archive:
    value, meta = _documents(path, folder)
    made_with = meta["plugins"]
    try:
        experiment = validate(Experiment, value, f"{path}: experiment.resolved.json")
    except UnknownComponentError as error:
        raise UnknownComponentError(f"{error}{_needed(made_with)}{failures(plugins)}") from None
    with _member(path, folder, "vocabulary") as file:
        vocabulary = Vocabulary.load(file)
    with _member(path, folder, "seen.safetensors") as file:
        seen = load_file(file)["digests"]
    return Archive(path, experiment, vocabulary, folder, seen, device, meta)


@contextmanager
def _member(path: Path, folder: Path, name: str) -> Iterator[Path]:
    """Where a member lies; whatever goes wrong when it is read, it is the archive that is damaged."""
    try:
        yield folder / name
    except (OSError, ValueError, LookupError, TypeError, RecursionError, SafetensorError, DataError):
        raise ArchiveError(f"{path}: damaged: {name} is missing or cannot be read; copy or make it again") from None


def _needed(plugins: Mapping[str, str]) -> str:
    """A line that names the plugins that the archive was made with, if any."""
    names = [
        f"--include-package {name}" if version == INCLUDED else f"{name} {version}" for name, version in plugins.items()
    ]
    return f"\nthe archive was made with {', '.join(names)}; install or give what is missing" if names else ""


def _unpack(path: Path, folder: Path) -> None:
    """Writes regular members with plain relative names, and nothing else, below `folder`."""
    total = 0
    try:
        with tarfile.open(path, "r:gz") as tar:
            for count, member in enumerate(tar, 1):
                total += member.size
                if count > MAX_MEMBERS or total > MAX_BYTES:
                    raise ArchiveError(f"{path}: more than {MAX_MEMBERS} members or {MAX_BYTES} bytes; not unpacked")
                _check_member(path, member)
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                stream = tar.extractfile(member)
                assert stream is not None, "a regular member has content"
                with target.open("wb") as file:
                    while block := stream.read(2**20):
                        file.write(block)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path}: not a whole .tar.gz file ({error}); copy or make it again") from None


def _check_member(path: Path, member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    if not member.isfile() or name.is_absolute() or ".." in name.parts:
        raise ArchiveError(f"{path}: member '{member.name}' does not belong in an archive; not unpacked")


def _read_manifest(path: Path, folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        newer = manifest["format"] > FORMAT
        expected = {name: entry["sha256"] for name, entry in manifest["members"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ArchiveError(f"{path}: holds no readable {MANIFEST}; it is not an archive of mtlkit") from None
    if newer:
        raise ArchiveError(f"{path}: made by a newer mtlkit (format {manifest['format']}); update mtlkit to read it")
    found = {file.relative_to(folder).as_posix(): _sha256(file) for file in _files(folder)}
    del found[MANIFEST]
    if wrong := sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)):
        raise ArchiveError(f"{path}: damaged: {', '.join(wrong)} not as the manifest says; copy or make it again")
    return manifest


def _add(tar: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = _size(content)
    if isinstance(content, bytes):
        tar.addfile(info, io.BytesIO(content))
    else:
        with content.open("rb") as stream:
            tar.addfile(info, stream)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _sha256(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
