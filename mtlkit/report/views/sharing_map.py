"""The sharing map: tasks as nodes, what links them as edges, and the matrix beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mtlkit.report.analysis.paths import searched, with_policies
from mtlkit.report.analysis.strengths import Strengths, cosine_strengths, strengths_of
from mtlkit.report.analysis.structure import Structure, structural_strengths, structure_of
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Part, Section, Table
from mtlkit.report.reading.course import Epoch, read_course
from mtlkit.report.views.alike import alike
from mtlkit.report.views.map import map_view
from mtlkit.sharing.summaries import Summary, WordSummary

ANCHOR, TITLE = "sharing-map", "Sharing map"


def section(evidence: Evidence) -> Section | None:
    """Learned strengths where the scheme tells them, else what follows from how it is built. None where there is
    something to tell and no text to tell it of: what is not trained yet would say nothing."""
    summaries = {task: seen.summary for task, seen in evidence.observed.items() if seen.summary is not None}
    course = read_course(evidence.course)
    learned = [*strengths_of(summaries), *_searched(evidence)]
    parts: list[Part] = [map_view(strengths) for strengths in learned]
    lead = f"How strongly tasks are linked, over {evidence.num_texts:,} {evidence.split} texts. "
    if not parts and (structure := structure_of(evidence.experiment)).is_all:
        parts = [map_view(structural_strengths(structure)), _counts(structure)]
        lead = (
            "What tasks share by construction. Counted are the parameters of the sharing scheme that a task's states "
            "are computed with; embedders and heads are not. "
        )
    if positions := _positions(summaries):
        parts += positions
        lead += (
            "Of words that read positions: distance is from a word to what it reads, in words; spread is 0 where each "
            "word reads one position, and 1 where it reads all alike. "
        )
    lead += f"{alike(summaries)} ".lstrip()
    parts += [map_view(strengths) for strengths in _cosines(course)]
    if not parts:
        return None
    lead += "Tasks that are strongly linked stand near each other on the ring; the matrix has the same numbers."
    return Section(ANCHOR, TITLE, lead, parts)


def _searched(evidence: Evidence) -> list[Strengths]:
    """Of the policies that a search came to, where what is evaluated are fixed paths."""
    found = searched(evidence)
    if found is None or with_policies(found.paths) or not found.policies:
        return []
    title = f"Whose policies went through the same modules, {found.source}"
    return [replace(each, name="policies-in-common", title=title) for each in strengths_of(found.policies)]


def _cosines(course: Sequence[Epoch]) -> list[Strengths]:
    """Of the last epoch that has some."""
    found = [strengths for epoch in course if (strengths := cosine_strengths(epoch)) is not None]
    return found[-1:]


def _positions(summaries: Mapping[str, Summary]) -> list[Part]:
    """How the words of each task read the shared positions, beside how far they open to them."""
    rows = tuple(
        (task, summary.gate, summary.distance, summary.spread)
        for task, summary in summaries.items()
        if isinstance(summary, WordSummary) and summary.senders is None
    )
    caption = "How words read the shared positions"
    return [Table(("task", "gate", "distance", "spread"), rows, caption)] if rows else []


def _counts(structure: Structure) -> Table:
    rows = tuple(
        (task, structure.serve(task), structure.shared(task), structure.serve(task) - structure.shared(task))
        for task in structure.serving
    )
    caption = "Parameters of the sharing scheme"
    return Table(("task", "parameters", "shared", "own"), rows, caption)
