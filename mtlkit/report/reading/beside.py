"""The runs that stand beside the one of a report, and whether their figures compare with its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mtlkit.archive import Archive
from mtlkit.comparison import RunRecord, read_record
from mtlkit.comparison.agreement import check_agreement
from mtlkit.comparison.answers import own_answers, read_answers
from mtlkit.figures import Figure
from mtlkit.report.evidence import Observed
from mtlkit.runs import RunDirectory
from mtlkit.runs.basis import SplitBasis, basis_of
from mtlkit.training import Predictions


def runs_beside(archive: Path, baselines: Sequence[Path]) -> tuple[list[RunRecord], list[str]]:
    """Reads the runs that are shown beside that of an archive, each once.

    Returns:
        The runs, and a note of each that was given twice.

    Raises:
        RunError: one is not a finished run, or is damaged.
    """
    shown = {archive.resolve().parent}
    found, notes = [], []
    for path in baselines:
        place = path.resolve()
        if place in shown:
            notes.append(f"{path} stands on this page already, and is not drawn beside itself.")
        else:
            found.append(read_record(path))
            shown.add(place)
    return found, notes


def agreement_with_run(run: RunDirectory, archive: Archive, others: Sequence[RunRecord], *, anyway: bool) -> list[str]:
    """Checks that the figures of other runs compare with those that a run recorded.

    Returns:
        Sentences about runs that do not compare, and about what older runs did not record.

    Raises:
        RunError: a run does not compare, and `anyway` is false.
    """
    if not others:
        return []
    record = read_record(run.path)
    split = "test" if record.figures["test"] else "dev"
    return _agreement(record, None, archive, split, others, anyway=anyway)


def agreement_with_archive(
    archive: Archive, split: str, observed: Mapping[str, Observed], others: Sequence[RunRecord], *, anyway: bool
) -> list[str]:
    """Checks that the figures of runs compare with those of the texts that were scored for a report.

    Returns, raises: as `agreement_with_run`.
    """
    answers = {task: each.predictions for task, each in observed.items()}
    basis = basis_of(archive.meta, archive.experiment.to_json())
    scored = {(task, split): SplitBasis(each.texts, used=len(each.gold)) for task, each in answers.items()}
    record = RunRecord(
        archive.path,
        seed=archive.experiment.seed,
        figures={},
        basis=replace(basis, splits={**basis.splits, **scored}),
        predictions=None,
        system="",
    )
    return _agreement(record, answers, archive, split, others, anyway=anyway)


def _agreement(
    record: RunRecord,
    answers: Mapping[str, Predictions] | None,
    archive: Archive,
    split: str,
    others: Sequence[RunRecord],
    *,
    anyway: bool,
) -> list[str]:
    headlines = {name: task.headline for name, task in archive.experiment.tasks.items()}
    notes = []
    for other in others:
        figures = other.figures.get(split, {})
        beside = {task: name for task, name in headlines.items() if str(Figure(task, name)) in figures}
        kept = read_answers([record, other] if answers is None else [other], split)
        known, _ = own_answers([record, other], {record.path: answers or {}, **kept}, split, anyway=True)
        found = check_agreement([record, other], beside, known, split, anyway=anyway)
        notes += [f"{sentence}." for sentence in found]
    return notes
