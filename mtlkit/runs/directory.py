"""The directory that a run leaves. It appears whole, and nothing in it is taken for done before it is.

experiment.jsonnet, ...     the experiment file and all it imported, under sources/
experiment.resolved.json    every default filled in
meta.json                   marks the folder as a run; versions, data hashes, device
vocabulary/                 one text file per namespace
metrics.jsonl, metrics.json every epoch, and the final figures
checkpoints/                see training/checkpoints.py
archive.tar.gz              see archive.py
"""

import json
from pathlib import Path
from typing import Any, final

from mtlkit.data import Vocabulary
from mtlkit.errors import RunError
from mtlkit.experiment import LoadedExperiment
from mtlkit.files import new_folder, write_atomically

FORMAT = 1
KIND = "mtlkit run"


@final
class RunDirectory:
    """The files of one run, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meta = path / "meta.json"
        self.resolved = path / "experiment.resolved.json"
        self.vocabulary = path / "vocabulary"
        self.metrics_log = path / "metrics.jsonl"
        self.metrics = path / "metrics.json"
        self.checkpoints = path / "checkpoints"
        self.archive = path / "archive.tar.gz"

    @property
    def is_run(self) -> bool:
        """Whether this is a directory that a run left."""
        try:
            return bool(json.loads(self.meta.read_text())["kind"] == KIND)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def check_new(self, force: bool) -> None:
        """Makes sure that a new run may be put here.

        Raises:
            RunError: something is here, and `force` is not given or it is no run.
        """
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if not self.is_run:
            raise RunError(f"{self.path}: exists and is not a run; give another directory with -s")
        if not force:
            raise RunError(
                f"{self.path}: holds a run; --resume goes on with it, --force deletes it, -s DIR goes elsewhere"
            )

    def check_resumable(self, loaded: LoadedExperiment) -> None:
        """Makes sure that the run here is one of the same experiment.

        Raises:
            RunError: it is no run, or its experiment was another; the differing settings are named.
        """
        if not self.is_run:
            raise RunError(f"{self.path}: holds no run to resume; leave --resume out to start one")
        before = json.loads(self.resolved.read_text())
        if changed := sorted(_differences(before, loaded.experiment.to_json(), "")):
            raise RunError(
                f"{self.path}: the experiment is not the one that was started; changed: {', '.join(changed)}. "
                "Undo the change, or start a new run with another -s DIR"
            )

    def create(self, loaded: LoadedExperiment, vocabulary: Vocabulary, meta: dict[str, Any]) -> None:
        """Writes the directory in one move, in place of a run that is here."""
        assert self.is_run or not self.path.exists() or not any(self.path.iterdir()), "check_new comes first"
        with new_folder(self.path) as fresh:
            for name, text in loaded.sources.items():
                _write(fresh / "sources" / name, text)
            _write(fresh / f"experiment{loaded.file.suffix}", loaded.sources[loaded.source])
            _write(fresh / self.resolved.name, json.dumps(loaded.experiment.to_json(), indent=2) + "\n")
            _write(fresh / self.meta.name, json.dumps({"kind": KIND, "format": FORMAT, **meta}, indent=2) + "\n")
            vocabulary.save(fresh / self.vocabulary.name)

    def log_size(self) -> int:
        """Bytes in `metrics.jsonl`."""
        return self.metrics_log.stat().st_size

    def append_log(self, record: dict[str, Any]) -> None:
        """Adds a line to `metrics.jsonl`."""
        with self.metrics_log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def truncate_log(self, size: int) -> None:
        """Cuts off what was logged after a checkpoint, so that a resumed run leaves the same file."""
        with self.metrics_log.open("ab") as file:
            file.truncate(size)

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes `metrics.json`, the last thing a run does."""
        write_atomically(self.metrics, (json.dumps(metrics, indent=2) + "\n").encode())

    def add_meta(self, more: dict[str, Any]) -> None:
        """Adds keys to `meta.json`."""
        write_atomically(self.meta, (json.dumps({**self.read_meta(), **more}, indent=2) + "\n").encode())

    def read_meta(self) -> dict[str, Any]:
        """What `meta.json` says."""
        meta: dict[str, Any] = json.loads(self.meta.read_text())
        return meta


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _differences(before: Any, after: Any, path: str) -> list[str]:
    """Paths at which two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = before.keys() | after.keys()
        return [
            found
            for key in keys
            for found in _differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
        ]
    return [] if before == after else [path]
