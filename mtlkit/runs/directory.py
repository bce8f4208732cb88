"""The directory of a run. It appears as a whole, and nothing in it can be mistaken for complete before it is.

experiment.jsonnet, ...     the experiment file and all it imported, under sources/
experiment.resolved.json    every default filled in
meta.json                   marks the folder as a run; versions, data hashes, device
vocabulary/                 one text file per namespace
files/                      what components have saved of their own, see archive/component_files.py; often none
metrics.jsonl, metrics.json every epoch, and the final figures
sharing.jsonl               what was shared after every epoch, see training/records.py
checkpoints/                see training/checkpoints.py
predictions/SPLIT/          the answer to each dev and test text, see predictions.py
archive.tar.gz              see archive/opening.py
stages/NAME/                of a run in stages, each one's checkpoints and derived paths
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from mtlkit.archive.documents import without_secrets
from mtlkit.archive.packing import as_json
from mtlkit.data import Vocabulary
from mtlkit.errors import ArchiveError, DataError, RunError
from mtlkit.experiment import LoadedExperiment, as_it_was
from mtlkit.files import Inputs, is_locked, is_utf8, make_folder, new_folder, write_atomically, write_new
from mtlkit.on_disk.archives import no_archive_in
from mtlkit.on_disk.runs import ARCHIVE, KIND, META, check_begun, is_empty_place, not_there
from mtlkit.runs.documents import (
    FORMAT,
    REMEDY,
    Resolved,
    RunFigures,
    RunMeta,
    damaged,
    read_document,
    read_object,
)
from mtlkit.runs.links import NOT_FOLLOWED, PUT, leads_out
from mtlkit.runs.log import RunLog
from mtlkit.runs.made_files import remove_half_written
from mtlkit.runs.place import check_deletable, check_own, check_replaceable, lock_of, locked_place, other_place
from mtlkit.runs.stage_directory import StageDirectory


def archive_path(path: Path) -> Path:
    """The path of an archive, given that path itself or the directory of a finished run.

    Raises:
        ArchiveError: the directory contains no archive, or a link to one elsewhere.
    """
    run = RunDirectory(path)
    if path.is_dir() and leads_out(run.archive, path):
        raise ArchiveError(f"{run.archive}: {NOT_FOLLOWED}")
    if not path.is_dir() or run.archive.exists():
        return run.archive if path.is_dir() else path
    if run.is_run:
        raise ArchiveError(f"{path}: has no {ARCHIVE}; go on with its run by mtlkit train ... --resume")
    raise no_archive_in(path)


@final
class RunDirectory:
    """The files of one run.

    Args:
        path: the run's directory, which does not have to exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meta = path / META
        self.resolved = path / "experiment.resolved.json"
        self.vocabulary = path / "vocabulary"
        self.files = path / "files"
        self.metrics_log = path / "metrics.jsonl"
        self.metrics = path / "metrics.json"
        self.sharing_log = path / "sharing.jsonl"
        self.log = RunLog(self.metrics_log, self.sharing_log)
        self.stages = path / "stages"
        self.predictions = path / "predictions"
        self.archive = path / ARCHIVE
        # Whatever replaces or locks the directory follows links to it, and `.` has no name.
        self._place = Path(os.path.realpath(path))

    def stage(self, name: str | None) -> "StageDirectory":
        """The files of a stage. A run's only stage has no name, and its files lie directly in the run's directory."""
        return StageDirectory(self.path if name is None else self.stages / name)

    @property
    def is_run(self) -> bool:
        """Whether the directory was written by a run."""
        return self._meta_as_it_is().get("kind") == KIND

    @property
    def not_a_run(self) -> str:
        """Why this is not the directory of a run, as the end of a sentence such as `is not a run`."""
        if not self.path.exists():
            return not_there(self.path)
        if not self.meta.exists():
            of_a_run = self.resolved.exists() or self.archive.exists()
            return f"is not a run{f' that can be read: its {self.meta.name} is missing' if of_a_run else ''}"
        try:
            read_object(self.meta)
        except RunError as error:
            return f"is not a run that can be read: {error}".removesuffix(f"; {REMEDY}").removesuffix(f"; {PUT}")
        return f"is not a run, since {self.meta.name} there was not written by a run"

    @property
    def is_finished(self) -> bool:
        """Whether the run has finished, with all its figures written."""
        meta = self._meta_as_it_is()
        return self.metrics.exists() and meta.get("kind") == KIND and "finished" in meta

    @property
    def in_use(self) -> bool:
        """Whether a process is training in the directory. On Windows this cannot be determined."""
        return is_locked(lock_of(self._place))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Locks the directory against training by other processes while the block runs.

        The operating system releases the lock of a process that is killed.

        Raises:
            RunInUseError: another process is training in the directory.
            RunError: the directory cannot be written, or its path is not UTF-8.
        """
        if not is_utf8(self._place):
            raise RunError(f"{self.path}: the path is not UTF-8, as files of weights need it; give another with -s")
        with locked_place(self._place, self.path):
            yield

    @property
    def is_free(self) -> bool:
        """Whether nothing is in the way of a new run: there is no such directory yet, or it is empty."""
        return is_empty_place(self.path)

    def check_new(self, force: bool, reads: Inputs | None = None) -> None:
        """Makes sure that a new run may be written to the directory.

        Args:
            force: whether a run that is there may be replaced.
            reads: the files that the new run is made from.

        Raises:
            RunError: the directory is not empty, and it is not a run or `force` is not given; it holds what mtlkit did
                not make or what the new run is made from; or it cannot be replaced.
        """
        if self.is_free:
            check_replaceable(self._place, self.path)
            return
        if not self.is_run:
            raise RunError(f"{self.path}: exists and {self.not_a_run}; give another directory with -s")
        if not force:
            remedies = "--resume goes on with it, --force deletes it, -s DIR goes elsewhere"
            raise RunError(f"{self.path}: holds a run; {remedies}")
        check_deletable(self._place, self.path, reads)

    def check_resumable(self) -> None:
        """Makes sure that the directory is a run that this version of mtlkit can resume.

        Whether its experiment is still the same is checked in changes.py.

        Raises:
            RunError: there is no run, or it was begun by another version, or it is damaged.
        """
        check_begun(self.path)
        if not self.is_run:
            raise RunError(f"{self.path}: {self.not_a_run}; {REMEDY}")
        files = (self.meta, self.resolved, self.metrics, self.metrics_log, self.sharing_log, self.archive)
        if odd := next((file for file in files if file.exists() and not file.is_file()), None):
            raise damaged(odd, "is not a regular file")
        check_own(self._place, appended=(self.metrics_log, self.sharing_log))
        # The format is checked before everything else, which another version may have written in another way.
        written = read_object(self.meta).get("format")
        if written is None:
            raise damaged(self.meta, "format: is missing")
        if isinstance(written, int) and written != FORMAT:
            raise RunError(f"{self.path}: begun by another version of mtlkit (format {written}); use that one")
        self.read_meta()
        self.read_resolved()

    def check_limit(self, limit: int | None, others: Callable[[], Sequence[object]] = list) -> None:
        """Makes sure that the run was begun with the same `--limit`.

        Args:
            limit: the present limit; None for none.
            others: returns whatever else has changed since the run was begun; called only if the limit has changed.

        Raises:
            RunError: the run was begun with another limit.
        """
        before = self.read_meta().get("limit")
        if limit != before:
            begun = "without --limit" if before is None else f"with --limit {before}"
            found = ", ".join(map(str, others()))
            also, those = (f" and other settings ({found})", " and with those") if found else ("", "")
            raise RunError(f"{self.path}: was begun {begun}{also}; resume it {begun}{those}")

    def create(self, loaded: LoadedExperiment, vocabulary: Vocabulary, meta: dict[str, Any]) -> None:
        """Writes the directory atomically, replacing a run that is there; call `check_new` first.

        Raises:
            RunError: the directory cannot be written.
        """
        if not self.is_free:  # something may have come since `check_new`
            check_deletable(self._place, self.path)
        try:
            with new_folder(self._place) as fresh:
                for name, content in _experiment_files(loaded).items():
                    make_folder((fresh / name).parent)
                    write_new(fresh / name, content)
                write_new(fresh / self.meta.name, as_json({"kind": KIND, "format": FORMAT, **meta}))
                vocabulary.save(fresh / self.vocabulary.name)
        except OSError as error:
            raise RunError(
                f"{self.path}: cannot be written ({error.strerror}); {other_place(error, self.path)}"
            ) from None

    def write_experiment(self, loaded: LoadedExperiment) -> None:
        """Replaces the experiment; the resolved one, with which resumed runs are compared, is written last."""
        for name, content in _experiment_files(loaded).items():
            make_folder((self.path / name).parent)
            write_atomically(self.path / name, content)

    def remove(self) -> None:
        """Deletes the run; call `check_new` first. A process that is killed in between does not leave half of it."""
        # The run is first replaced by an empty folder, in one rename.
        with new_folder(self._place):
            pass
        self._place.rmdir()

    def sweep(self) -> None:
        """Removes half-written files that a killed process left in the run."""
        remove_half_written(self._place)

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes `metrics.json`, which is the last step of a run."""
        write_atomically(self.metrics, as_json(metrics))

    def read_metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`. Raises RunError if it is missing or damaged."""
        return read_document(self.metrics, RunFigures)

    def add_meta(self, more: dict[str, Any]) -> None:
        """Adds keys to `meta.json`."""
        write_atomically(self.meta, as_json({**self.read_meta(), **more}))

    def read_meta(self) -> dict[str, Any]:
        """The content of `meta.json`. Raises RunError if it is missing or damaged."""
        return without_secrets(read_document(self.meta, RunMeta, finite=True))

    def read_resolved(self) -> dict[str, Any]:
        """The resolved experiment that the run was begun with, with values for settings that have come since and whose
        defaults did not hold then. Raises RunError if it is missing or damaged.
        """
        return as_it_was(read_document(self.resolved, Resolved, finite=True))

    def read_vocabulary(self) -> Vocabulary:
        """The vocabulary that the run was begun with. Raises RunError if it is missing or damaged."""
        try:
            vocabulary = Vocabulary.load(self.vocabulary)
        except DataError as error:
            reason = str(error).removeprefix(f"{self.vocabulary}").lstrip("/: ").partition(";")[0]
            raise damaged(self.vocabulary, reason) from None
        for task in self.read_resolved().get("tasks", {}):
            if task not in vocabulary.tasks or not vocabulary.labels(task):
                raise damaged(self.vocabulary, f"{task} has no labels")
        return vocabulary

    def _meta_as_it_is(self) -> dict[str, Any]:
        """The content of `meta.json`, unchecked; empty if it is missing or not a JSON object."""
        try:
            return read_object(self.meta)
        except RunError:
            return {}


def _experiment_files(loaded: LoadedExperiment) -> dict[str, bytes]:
    """The contents of the experiment's files, as given and as resolved, by their paths in the directory."""
    texts = {
        **{f"sources/{name}": text for name, text in loaded.sources.items()},
        f"experiment{Path(loaded.source).suffix}": loaded.sources[loaded.source],
        "experiment.resolved.json": json.dumps(loaded.experiment.to_json(), indent=2) + "\n",
    }
    return {name: text.encode() for name, text in texts.items()}
