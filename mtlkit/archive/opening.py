"""Opening of archives.

archive.tar.gz
  manifest.json                 format, sha256 and size of every other member, which are copies, plugins needed
  experiment.resolved.json      registered names only
  vocabulary/...
  weights/NAME.safetensors      one set, or one per task (model selection `per_task`)
  files/PLACE=TYPE/...          files that components have saved, see component_files.py
  seen.safetensors              digests of all train and dev texts, for clean scores
  meta.json                     provenance

An archive may come from an untrusted source: members.py defines what it may contain, formats.py which formats exist.
Opening one takes at most `OPENING_SECONDS` of processor time, and a second more for each 4 MiB of its file. It takes at
most about 4 GiB of memory, and models what their weights take: see `MAX_WORDS`, `MAX_PARTS` and `LARGEST`.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file

from mtlkit.archive.archive import Archive
from mtlkit.archive.component_files import with_files_of_archive
from mtlkit.archive.documents import Manifest, Meta, parse_json, without_secrets
from mtlkit.archive.fitting import forms_in
from mtlkit.archive.formats import Documents, migrated
from mtlkit.archive.members import EXPERIMENT, MANIFEST, META, SEEN, VOCABULARY, damaged
from mtlkit.archive.paths_in_settings import check_paths
from mtlkit.archive.refusals import UNBUILDABLE, first_problem, reading, unsound
from mtlkit.archive.unpacking import unpack
from mtlkit.config import validate
from mtlkit.data import Vocabulary
from mtlkit.data.limits import MAX_ALL_LABELS, MAX_LABELS, MAX_WORDS
from mtlkit.errors import ArchiveError, ConfigError, UnknownComponentError
from mtlkit.experiment import Experiment, as_it_was
from mtlkit.files import is_utf8
from mtlkit.files.ownership import temporary_folder
from mtlkit.kernels.postponing import Postponed
from mtlkit.on_disk.archives import check_is_file
from mtlkit.plugins import INCLUDED, Plugin, failures
from mtlkit.process.processor_time import OutOfTime, TimeLimit, limited
from mtlkit.text import printable

OPENING_SECONDS, BYTES_PER_SECOND = 60, 4 * 2**20
"""The limit on the processor time of opening an archive: this long, and longer for large files."""


@contextmanager
def open_archive(
    path: Path, device: torch.device, plugins: Sequence[Plugin] = (), postponed: Postponed | None = None
) -> Iterator[Archive]:
    """Unpacks an archive into a temporary folder for the duration of the block.

    Args:
        path: the archive.
        device: the device of its models.
        plugins: the plugins that were loaded; those that failed are named if a component is not found.
        postponed: when its compiled kernels are built, which archives that are open at once may share; None for a
            `Postponed` of its own, which says nothing.

    Raises:
        ArchiveError: the file is missing, damaged, of a newer format, or not an archive.
        UnknownComponentError: its experiment uses components that are not registered.
    """
    with _folder_for(path) as folder:
        with _in_time(path) as limit:
            archive = _read(path, folder, device, plugins, limit)
        archive.postponed = postponed or archive.postponed
        yield archive


def read_documents(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads the experiment and the metadata of an archive as JSON. Its components need not be registered.

    Raises:
        ArchiveError: for the same reasons as `open_archive`.
    """
    with _folder_for(path) as folder, _in_time(path) as limit:
        manifest, _ = unpack(path, folder, limit)
        return _documents(path, folder, manifest)


@contextmanager
def _in_time(path: Path) -> Iterator[TimeLimit]:
    """Limits the processor time of opening an archive, by the size of its file."""
    seconds = OPENING_SECONDS + path.stat().st_size / BYTES_PER_SECOND
    try:
        with limited(seconds) as limit:
            yield limit
    except OutOfTime:
        what = f"takes more than {seconds:.0f} seconds of processor time to open"
        raise ArchiveError(f"{path}: {what}, as archives do not; not opened, ask its author for a sound one") from None


@contextmanager
def _folder_for(path: Path) -> Iterator[Path]:
    """Yields a temporary folder for the members of an archive, which exists."""
    check_is_file(path)
    if not is_utf8(Path(tempfile.gettempdir())):
        raise ArchiveError(
            f"{path}: cannot be unpacked below {tempfile.gettempdir()} (the path is not UTF-8); set TMPDIR to another "
            "folder"
        )
    with temporary_folder() as temporary:
        yield temporary


def _documents(path: Path, folder: Path, manifest: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads the experiment, the metadata and the plugins named in the manifest, converted to the current format."""
    with reading(path, folder, EXPERIMENT) as file:
        experiment = parse_json(file.read_bytes())
    with reading(path, folder, META) as file:
        meta = parse_json(file.read_bytes())
    documents = migrated(Documents(manifest, experiment, meta))
    for member, kind, value in ((MANIFEST, Manifest, documents.manifest), (META, Meta, documents.meta)):
        try:
            validate(kind, value, member)
        except ConfigError as error:
            raise damaged(path, member, first_problem(error, member)) from None
    notes = without_secrets(documents.meta)
    return as_it_was(documents.experiment), {**notes, "plugins": documents.manifest["plugins"]}


def _read(
    path: Path,
    folder: Path,
    device: torch.device,
    plugins: Sequence[Plugin],
    limit: TimeLimit,
) -> Archive:
    manifest, digest = unpack(path, folder, limit)
    value, meta = _documents(path, folder, manifest)
    experiment = with_files_of_archive(path, _experiment(path, value, meta["plugins"], plugins), folder)
    check_paths(path, experiment, digest)
    with reading(path, folder, VOCABULARY) as file:
        vocabulary = _vocabulary(file, experiment)
    with reading(path, folder, SEEN) as file:
        if [(form.dtype, len(form.shape)) for form in forms_in(file).values()] != [("I64", 1)]:
            raise ValueError("it is to hold one list of digests")
        seen = np.asarray(load_file(file)["digests"])
    archive = Archive(path, experiment, vocabulary, folder, seen, device, meta, digest)
    archive.check_weights(limit)
    return archive


def _experiment(path: Path, value: Any, made_with: Mapping[str, str], plugins: Sequence[Plugin]) -> Experiment:
    """Parses the experiment, whose components must all be registered."""
    try:
        experiment = validate(Experiment, value, EXPERIMENT)
    except UnknownComponentError as error:
        what = "; ".join([first_problem(error), *_needed(made_with, plugins), *failures(plugins)])
        raise UnknownComponentError(f"{path}: {EXPERIMENT}: {printable(what)}") from None
    except (ConfigError, *UNBUILDABLE) as error:
        raise unsound(path, first_problem(error)) from None
    return experiment


def _vocabulary(folder: Path, experiment: Experiment) -> Vocabulary:
    # Lines are counted before they are read, since a short line takes many times its size in memory.
    num_labels = [_num_lines(file) for file in folder.glob("labels.*.txt")]
    if max(num_labels, default=0) > MAX_LABELS or sum(num_labels) > MAX_ALL_LABELS:
        raise ValueError(
            f"a task is to have between 1 and {MAX_LABELS} labels, and all together {MAX_ALL_LABELS} at most"
        )
    if _num_lines(folder / "words.txt") > MAX_WORDS:
        raise ValueError(f"there are to be at most {MAX_WORDS} words")
    vocabulary = Vocabulary.load(folder)
    for task in experiment.tasks:
        if not 0 < len(vocabulary.labels(task)) <= MAX_LABELS:
            raise ValueError(f"{task} is to have between 1 and {MAX_LABELS} labels")
    return vocabulary


def _num_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(block.count(b"\n") for block in iter(partial(lines.read, 2**20), b""))


def _needed(made_with: Mapping[str, str], plugins: Sequence[Plugin]) -> list[str]:
    """Returns a clause about the plugins that the archive was made with: the missing ones, or all if none is."""
    here = {plugin.package for plugin in plugins if not plugin.error}
    missing = {name: version for name, version in made_with.items() if name not in here}
    names = [
        f"--include-package {name}" if version == INCLUDED else f"{name} {version}"
        for name, version in (missing or made_with).items()
    ]
    return [f"the archive was made with {', '.join(names)}; install or give what is missing"] if names else []
