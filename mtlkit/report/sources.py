"""What a report is made from is read: a run's record, its archive, runs beside it, and the texts once more.

An archive may come from a stranger, and nothing is read of it but by `open_archive`.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import torch

from mtlkit.archive import Archive, open_archive
from mtlkit.archive.documents import parse_json
from mtlkit.comparison import RunRecord, read_record
from mtlkit.config import Spec
from mtlkit.errors import ConfigError, DataError, MtlkitError, RunError
from mtlkit.experiment import SPLITS
from mtlkit.files import file_sha256
from mtlkit.plugins import Plugin
from mtlkit.report.course import check_tasks
from mtlkit.report.evidence import Evidence, Observed
from mtlkit.report.observing import observe
from mtlkit.runs import RunDirectory, Wanted, tasks_to_score, worthless
from mtlkit.runs.documents import Resolved, RunFigures, RunMeta, checked, damaged
from mtlkit.types import Say, silent

ARCHIVE = "archive.tar.gz"
COURSE = "sharing.jsonl"
ENDING = ".tar.gz"
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


class StageFigures(Spec, extra="allow"):
    """What is read of a stage in `metrics.json`."""

    epochs: int
    steps: int


class Figures(RunFigures):
    """What is read of `metrics.json`."""

    epochs: int
    steps: int
    stages: dict[str, StageFigures] = {}  # type: ignore[assignment]  # more is read of them than anywhere else


@final
@dataclass(frozen=True)
class Source:
    """A finished run, or an archive alone."""

    archive: Path
    run: RunDirectory | None

    @property
    def name(self) -> str:
        """The run's; an archive's by its file, or by its folder where it is called as all are."""
        if self.run is None and self.archive.name != ARCHIVE:
            return self.archive.name.removesuffix(ENDING)
        return self.archive.resolve().parent.name

    @property
    def page(self) -> Path:
        """Where the report is put if nobody says: in the run's directory, or beside the archive."""
        if self.run is not None:
            return self.run.path / "report.html"
        return self.archive.with_name(f"{self.archive.name.removesuffix(ENDING)}.report.html")


def source_of(path: Path) -> Source:
    """The run or archive at a path. Opens neither.

    Raises:
        RunError: it is a directory and no finished run.
    """
    if not path.is_dir():
        return Source(path, None)
    run = RunDirectory(path)
    if not run.is_run:
        raise RunError(f"{path}: {run.not_a_run}; give the directory of a finished run, or an archive")
    if not run.is_finished or not run.archive.exists():
        raise RunError(f"{path}: its run is not finished; go on with it by mtlkit train ... --resume")
    return Source(run.archive, run)


def evidence_of(
    source: Source,
    wanted: Wanted,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    baselines: Sequence[Path] = (),
    say: Say = silent,
) -> Evidence:
    """All that a report is made from. Data that are not here, and that nobody has named, only leave their part out.

    Args:
        source: the run or archive.
        wanted: the texts that are read once more.
        device: of the model.
        plugins: that were imported.
        baselines: runs that stand beside it.
        say: told what is being done.

    Raises:
        ArchiveError: the archive is damaged, or no archive.
        ConfigError: a task or the split is unknown.
        DataError: data that were named are wrong or missing.
        RunError: a file of the run is damaged, or a baseline is no finished run.
    """
    seconds: dict[str, float] = {}
    with open_archive(source.archive, device, plugins) as archive:
        with _timed(seconds, "reading the record"):
            record = _record(source, archive)
            check_tasks(record.course, _tasks(archive, record))
            others, notes_beside = _beside(source, baselines)
        with _timed(seconds, "reading texts"):
            observed, notes = _observed(archive, wanted, say)
        tells = any(each.summary is not None for each in observed.values())
        without_course = [NO_COURSE] if source.run and tells and not record.course else []
        return Evidence(
            name=source.name,
            experiment=archive.experiment,
            meta=record.meta,
            metrics=record.metrics,
            log=record.log,
            course=record.course,
            baselines=others,
            split=wanted.split,
            observed=observed,
            seconds=seconds,
            notes=[*record.notes, *notes_beside, *without_course, *_more_texts(record, wanted, observed), *notes],
            sha256=file_sha256(source.archive),
            resolved=record.resolved,
        )


def _beside(source: Source, baselines: Sequence[Path]) -> tuple[list[RunRecord], list[str]]:
    """The runs that stand beside it, each once; and a sentence on those that would stand twice."""
    shown = {source.archive.resolve().parent}
    found, notes = [], []
    for path in baselines:
        place = path.resolve()
        if place in shown:
            notes.append(f"{path} stands on this page already, and is not drawn beside itself.")
        else:
            found.append(read_record(path))
            shown.add(place)
    return found, notes


def _more_texts(record: "_Record", wanted: Wanted, observed: Mapping[str, Observed]) -> list[str]:
    """A sentence where other texts are read than those that the run was scored on."""
    limit = record.meta.get("limit")
    if limit in (None, wanted.limit) or not observed:
        return []
    most = "all" if wanted.limit is None else f"at most {wanted.limit:,}"
    return [
        f"The run was trained and scored with --limit {limit}; what is shown of the sharing is of {most} "
        f"{wanted.split} texts of each task. With the same option here, it would be of the same texts."
    ]


@contextmanager
def _timed(seconds: dict[str, float], what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[what] = time.perf_counter() - began


@final
@dataclass(frozen=True)
class _Record:
    """What a run has written down."""

    meta: Mapping[str, Any]
    metrics: Mapping[str, Any] | None = None
    log: Sequence[Mapping[str, Any]] = ()
    course: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    resolved: Mapping[str, Any] | None = None


NO_COURSE = (
    "The run kept no record of its sharing, as runs of this version do, so how it came about over training is left out."
)
NO_RECORD = (
    "This is a report of an archive alone, which keeps no record of its training: learning curves and work are left "
    "out. A report of the run's directory has them."
)


def _record(source: Source, archive: Archive) -> _Record:
    run = source.run
    if run is None:
        return _Record(archive.meta, notes=[NO_RECORD])
    course = run.path / COURSE
    return _Record(
        checked(run.meta, RunMeta, _document(run.meta), REMEDY),
        checked(run.metrics, Figures, _document(run.metrics), REMEDY),
        _lines(run.metrics_log, LogLine),
        _lines(course, None) if course.exists() else (),
        resolved=checked(run.resolved, Resolved, _document(run.resolved), REMEDY),
    )


def _tasks(archive: Archive, record: _Record) -> list[str]:
    """Those of all stages: of a run's last one, the archive may have fewer."""
    return list(dict.fromkeys([*archive.experiment.tasks, *((record.resolved or {}).get("tasks") or ())]))


def _document(file: Path) -> dict[str, Any]:
    try:
        return parse_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise damaged(file, error, REMEDY) from None


def _lines(file: Path, kind: type[Spec] | None) -> list[dict[str, Any]]:
    """Each line of a log, checked as far as it is read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise damaged(file, error, REMEDY) from None
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        place = Path(f"{file}:{number}")
        try:
            value = parse_json(line)
        except ValueError as error:
            raise damaged(place, error, REMEDY) from None
        found.append(value if kind is None else checked(place, kind, value, REMEDY))
    return found


def _observed(archive: Archive, wanted: Wanted, say: Say) -> tuple[dict[str, Observed], list[str]]:
    """By task; and a sentence on those whose data are not here, unless it is known where they should be."""
    known = archive.experiment.tasks
    if unknown := [name for name in (*wanted.tasks, *wanted.files) if name not in known]:
        raise ConfigError(f"{archive.path}: no task '{unknown[0]}' in the archive; its tasks are {', '.join(known)}")
    if wanted.split not in SPLITS:
        raise ConfigError(f"there is no split {wanted.split}; use {', '.join(SPLITS)}")
    here, missing = [], []
    for name in wanted.tasks or known:
        one = replace(wanted, tasks=[name], files={task: file for task, file in wanted.files.items() if task == name})
        try:
            tasks_to_score(archive, one)
            here.append(name)
        except (DataError, ConfigError) as error:
            if wanted.folders or name in wanted.files:
                raise
            missing.append((name, error))
    observed = observe(archive, replace(wanted, tasks=here), say) if here else {}
    notes = [worthless(name) for name, seen in observed.items() if not seen.is_finite]
    return observed, notes + ([_missing(missing, wanted.split)] if missing else [])


def _missing(missing: Sequence[tuple[str, MtlkitError]], split: str) -> str:
    names = ", ".join(name for name, _ in missing)
    return (
        f"The {split} texts of {names} are not here, so what they show of the sharing is left out. To have it, say "
        f"where they are: mtlkit report ... --data FOLDER, or --data {missing[0][0]}=FILE for a single file."
    )
