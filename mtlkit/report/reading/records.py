"""The files that a run has written, checked as far as a report reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from mtlkit.archive import Archive
from mtlkit.archive.documents import parse_json
from mtlkit.config import Spec, validate
from mtlkit.errors import ConfigError, RunError
from mtlkit.report.evidence import Epoch
from mtlkit.report.reading.course import read_course
from mtlkit.runs import RunDirectory

COURSE = "sharing.jsonl"


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


class StageFigures(Spec, extra="allow"):
    """What is read of a stage in `metrics.json`."""

    epochs: int
    steps: int


class RunFigures(StageFigures):
    """What is read of `metrics.json`."""

    dev: dict[str, float] = {}
    test: dict[str, float] = {}
    stages: dict[str, StageFigures] = {}


@final
@dataclass(frozen=True)
class Record:
    """What is known of a run's training; for an archive alone, nothing but its `meta`."""

    meta: Mapping[str, Any]
    metrics: Mapping[str, Any] | None = None
    log: Sequence[Mapping[str, Any]] = ()
    course: Sequence[Epoch] = ()
    resolved: Mapping[str, Any] | None = None


def read_run(run: RunDirectory, archive: Archive) -> Record:
    """Reads what a run has written.

    Raises:
        RunError: a file is missing or damaged, or names a task that the run does not have.
    """
    resolved, course = _document(run.resolved), run.path / COURSE
    # Of all stages: of a run's last one, the archive may have fewer.
    tasks = list(dict.fromkeys([*archive.experiment.tasks, *(resolved.get("tasks") or ())]))
    return Record(
        _document(run.meta),
        _checked(str(run.metrics), RunFigures, _document(run.metrics)),
        [_checked(place, LogLine, line) for place, line in _lines(run.metrics_log)],
        read_course((line for _, line in _lines(course)), tasks) if course.exists() else (),
        resolved,
    )


def _document(file: Path) -> dict[str, Any]:
    try:
        return parse_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged(str(file), error) from None


def _lines(file: Path) -> list[tuple[str, dict[str, Any]]]:
    """Each line of a log, with its place for messages."""
    place = str(file)
    try:
        found = []
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            place = f"{file}:{number}"
            found.append((place, parse_json(line)))
        return found
    except (OSError, ValueError) as error:
        raise _damaged(place, error) from None


def _checked(place: str, kind: type[Spec], value: dict[str, Any]) -> dict[str, Any]:
    try:
        validate(kind, value, place)
    except ConfigError as error:
        raise _damaged(place, str(error).splitlines()[0].removeprefix(f"{place}: ")) from None
    return value


def _damaged(place: str, reason: object) -> RunError:
    return RunError(f"{place}: missing or damaged ({reason}); copy the run again, or report on its archive alone")
