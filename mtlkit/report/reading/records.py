"""The files that a run has written, checked as far as a report reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from mtlkit.archive import Archive
from mtlkit.archive.documents import without_secrets
from mtlkit.config import Spec
from mtlkit.experiment import as_it_was
from mtlkit.report.evidence import Epoch
from mtlkit.report.reading.course import read_course
from mtlkit.runs import RunDirectory
from mtlkit.runs.documents import Resolved, RunFigures, RunMeta, checked, read_document, read_lines

COURSE = "sharing.jsonl"
REMEDY = "copy the run again, or report on its archive alone"


class LogLine(Spec, extra="allow"):
    """What is read of a line of `metrics.jsonl`."""

    epoch: int
    stage: str | None = None
    train: dict[str, float] = {}
    dev: dict[str, float] = {}
    work: dict[str, int] = {}
    improved: list[str] = []
    skipped: list[dict[str, Any]] = []
    idle: list[str] = []
    notes: list[str] = []


class StageFigures(Spec, extra="allow"):
    """What is read of a stage in `metrics.json`."""

    epochs: int
    steps: int


class ReportedFigures(RunFigures):
    """What is read of `metrics.json`."""

    epochs: int
    steps: int
    notes: list[str] = []
    stages: dict[str, StageFigures] = {}  # type: ignore[assignment]  # more is read of them here than anywhere else


@final
@dataclass(frozen=True)
class KnownRun:
    """What is known of a run's training; for an archive alone, nothing but its `meta`."""

    meta: Mapping[str, Any]
    metrics: Mapping[str, Any] | None = None
    log: Sequence[Mapping[str, Any]] = ()
    course: Sequence[Epoch] = ()
    resolved: Mapping[str, Any] | None = None


def read_run(run: RunDirectory, archive: Archive) -> KnownRun:
    """Reads what a run has written.

    Raises:
        RunError: a file is missing or damaged, or names a task that the run does not have.
    """
    resolved, course = as_it_was(_document(run.resolved, Resolved)), run.path / COURSE
    # The tasks of all stages: the archive, which is of the last stage, may have fewer.
    tasks = list(dict.fromkeys([*archive.experiment.tasks, *(resolved.get("tasks") or ())]))
    return KnownRun(
        without_secrets(_document(run.meta, RunMeta)),
        _document(run.metrics, ReportedFigures),
        [checked(place, LogLine, line, REMEDY) for place, line in read_lines(run.metrics_log, REMEDY)],
        read_course((line for _, line in read_lines(course, REMEDY)), tasks) if course.exists() else (),
        resolved,
    )


def _document(file: Path, kind: type[Spec]) -> dict[str, Any]:
    return read_document(file, kind, REMEDY, finite=True)
