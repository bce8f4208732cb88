"""The log of a run: a line for each epoch in `metrics.jsonl`, and one in `sharing.jsonl` where there are records."""

import json
import os
from itertools import takewhile
from pathlib import Path
from typing import Any, final

from mtlkit.errors import RunError
from mtlkit.files import open_to_write


@final
class RunLog:
    """The two files that grow with every epoch of a run.

    Args:
        metrics: the path of `metrics.jsonl`.
        sharing: the path of `sharing.jsonl`, which need not exist.
    """

    def __init__(self, metrics: Path, sharing: Path) -> None:
        self.metrics = metrics
        self.sharing = sharing

    def size(self) -> int:
        """The size of `metrics.jsonl` in bytes."""
        return self.metrics.stat().st_size

    def append(self, record: dict[str, Any], sharing: dict[str, Any] | None = None) -> None:
        """Appends a line to `metrics.jsonl` and, if there are records, one for the same epoch to `sharing.jsonl`."""
        if sharing is not None:  # written first, so that every epoch in `metrics.jsonl` also has its records
            place = {name: value for name, value in record.items() if name in ("stage", "epoch", "step")}
            _append(self.sharing, {**place, **sharing})
        _append(self.metrics, record)

    def truncate(self, size: int) -> None:
        """Cuts off what was logged after a checkpoint, so that a resumed run leaves the same files.

        `sharing.jsonl` is cut to the epochs that remain.

        Args:
            size: the size of `metrics.jsonl` in bytes when the checkpoint was written.

        Raises:
            RunError: `metrics.jsonl` is shorter than that.
        """
        with open_to_write(self.metrics, "append") as file:
            if file.tell() < size:
                raise RunError(f"{self.metrics}: its end is missing; put it back, or start over with --force")
            file.truncate(size)
        if self.sharing.exists():
            # Epochs are matched by their names, since checkpoints record only the size of the other file.
            left = {_epoch(line) for line in self.metrics.read_bytes().splitlines()} - {None}
            with open_to_write(self.sharing, "change") as file:
                file.truncate(sum(map(len, takewhile(lambda line: _epoch(line) in left, file))))


def _append(path: Path, record: dict[str, Any]) -> None:
    with open_to_write(path, "append") as file:
        file.write(json.dumps(record).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())  # a checkpoint records the size of the log, so no more may be lost in a power cut


def _epoch(line: bytes) -> tuple[str | None, int] | None:
    """The stage and epoch of a line of a log; None if the line is damaged."""
    try:
        record = json.loads(line)
        stage, epoch = record.get("stage"), record["epoch"]
    except (ValueError, LookupError, AttributeError, RecursionError):
        return None
    return (stage, epoch) if isinstance(epoch, int) and isinstance(stage, str | None) else None
