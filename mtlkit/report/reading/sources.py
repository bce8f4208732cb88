"""Reads what a report is made from: a run's record, its archive, runs beside it, and the texts once more.

An archive may come from a stranger, and nothing is read of it but by `open_archive`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import torch

from mtlkit.archive import Archive, open_archive
from mtlkit.errors import ConfigError, DataError, RunError
from mtlkit.experiment import SPLITS
from mtlkit.files import file_sha256
from mtlkit.kernels.postponing import Postponed
from mtlkit.on_disk.runs import ARCHIVE, REPORT
from mtlkit.plugins import Plugin
from mtlkit.report.analysis.observing import observe
from mtlkit.report.evidence import Evidence, Observed
from mtlkit.report.reading.beside import agreement_with_archive, agreement_with_run, runs_beside
from mtlkit.report.reading.records import KnownRun, read_run
from mtlkit.report.templating import sentences
from mtlkit.runs import RunDirectory, Wanted, archive_path, tasks_to_score, worthless
from mtlkit.runs.named_by_archive import UnnamedDataError
from mtlkit.types import Say, silent

ENDING = ".tar.gz"


@final
@dataclass(frozen=True)
class Source:
    """A finished run, or an archive alone."""

    archive: Path
    run: RunDirectory | None

    @property
    def name(self) -> str:
        """The run's name; for an archive that of its file, or of its folder where the file has the default name."""
        if self.run is None and self.archive.name != ARCHIVE:
            return self.archive.name.removesuffix(ENDING)
        return self.archive.resolve().parent.name

    @property
    def page(self) -> Path:
        """The default place of the report: in the run's directory, or beside the archive."""
        if self.run is not None:
            return self.run.path / REPORT
        return self.archive.with_name(f"{self.archive.name.removesuffix(ENDING)}.report.html")


def source_of(path: Path) -> Source:
    """Finds out whether a path is that of a run or of an archive, without opening it.

    Raises:
        ArchiveError: it is a run whose archive is a link to one elsewhere.
        RunError: it is a directory and no finished run.
    """
    if not path.is_dir():
        return Source(path, None)
    run = RunDirectory(path)
    if not run.is_run:
        raise RunError(f"{path}: {run.not_a_run}; give the directory of a finished run, or an archive")
    if not run.is_finished or not run.archive.exists():
        raise RunError(f"{path}: its run is not finished; go on with it by mtlkit train ... --resume")
    return Source(archive_path(path), run)


def evidence_of(
    source: Source,
    wanted: Wanted,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    baselines: Sequence[Path] = (),
    say: Say = silent,
    *,
    anyway: bool = False,
) -> Evidence:
    """Collects all that a report is made from. Missing data that nobody has named only leave their part out.

    Args:
        source: the run or archive.
        wanted: the texts that are read once more.
        device: of the model.
        plugins: that were imported.
        baselines: runs that stand beside it.
        say: told what is being done.
        anyway: whether runs stand beside it also if their figures do not compare, such as those on other data.

    Raises:
        ArchiveError: the archive is damaged, or no archive.
        ConfigError: a task or the split is unknown.
        DataError: data that were named are wrong or missing.
        RunError: a file of the run is damaged, or a baseline is not a finished run, or does not compare.
    """
    with open_archive(source.archive, device, plugins, Postponed(say)) as archive:
        record = KnownRun(archive.meta) if source.run is None else read_run(source.run, archive)
        others, notes_beside = runs_beside(source.archive, baselines)
        if source.run is not None:  # its figures are recorded, so that this is known before the texts are read
            notes_beside += agreement_with_run(source.run, archive, others, anyway=anyway)
        observed, notes = _observed(archive, wanted, say)
        if source.run is None:
            notes_beside += agreement_with_archive(archive, wanted.split, observed, others, anyway=anyway)
        tells = any(each.summary is not None for each in observed.values())
        lacking = "no-record" if source.run is None else "no-course" if tells and not record.course else None
        return Evidence(
            name=source.name,
            experiment=archive.experiment,
            **vars(record),
            baselines=others,
            split=wanted.split,
            observed=observed,
            notes=[
                *([sentences(lacking)] if lacking else []),
                *notes_beside,
                *_more_texts(record, wanted, observed),
                *notes,
            ],
            sha256=file_sha256(source.archive),
        )


def _more_texts(record: KnownRun, wanted: Wanted, observed: Mapping[str, Observed]) -> list[str]:
    """A note where other texts are read than those that the run was scored on."""
    limit = record.meta.get("limit")
    is_other = bool(observed) and limit not in (None, wanted.limit)
    return [sentences("other-texts", limit=limit, wanted=wanted)] if is_other else []


NOT_HERE = "not here"
NOT_MADE_HERE = "not read, since the cache does not know the archive as one that was made here of these files"


def _observed(archive: Archive, wanted: Wanted, say: Say) -> tuple[dict[str, Observed], list[str]]:
    """What each task's texts show, and a note of tasks whose data are missing, unless their place was given."""
    known = archive.experiment.tasks
    if unknown := [name for name in (*wanted.tasks, *wanted.files) if name not in known]:
        raise ConfigError(f"{archive.path}: no task '{unknown[0]}' in the archive; its tasks are {', '.join(known)}")
    if wanted.split not in SPLITS:
        raise ConfigError(f"there is no split {wanted.split}; use {', '.join(SPLITS)}")
    here, unnamed, missing = [], [], []
    for name in wanted.tasks or known:
        one = replace(wanted, tasks=[name], files={task: file for task, file in wanted.files.items() if task == name})
        try:
            tasks_to_score(archive, one)
            here.append(name)
        except UnnamedDataError:
            unnamed.append(name)
        except (DataError, ConfigError):
            if wanted.folders or name in wanted.files:
                raise
            missing.append(name)
    observed = observe(archive, replace(wanted, tasks=here), say) if here else {}
    notes = [f"{sentence}." for seen in observed.values() for sentence in seen.notes]
    notes += [worthless(name) for name, seen in observed.items() if not seen.is_finite]
    for why, tasks in ((NOT_HERE, missing), (NOT_MADE_HERE, unnamed)):
        notes += [sentences("missing-texts", why=why, tasks=tasks, wanted=wanted)] if tasks else []
    return observed, notes
