"""The sharing map: tasks as nodes, what links them as edges, and the matrix beside it."""

from collections.abc import Mapping
from dataclasses import replace

from mtlkit.report.analysis.paths import searched, with_policies
from mtlkit.report.analysis.strengths import Strengths, alike, cosine_strengths, rounded, strengths_of
from mtlkit.report.analysis.structure import Structure, structural_strengths, structure_of
from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.charts.grid import grid_chart, known
from mtlkit.report.charts.network import network_chart, ring_order
from mtlkit.report.evidence import Evidence, of_kind
from mtlkit.report.parts import Part, Section, Table, View
from mtlkit.report.templating import render, sentences
from mtlkit.sharing.summaries import Summary, WordSummary


def section(evidence: Evidence) -> Section | None:
    """Learned strengths where the scheme tells them, else what follows from how it is built, as where words read what
    is no other task's. None where there is something to tell and no text to tell it of: what is not trained yet would
    say nothing."""
    summaries = {task: summary for task, summary in evidence.summaries.items() if summary is not None}
    learned = [*strengths_of(summaries), *_searched(evidence)]
    parts: list[Part] = list(map(map_view, learned))
    positions = _positions(evidence, summaries)
    if own := bool(positions) and evidence.has_own_mailboxes:
        parts = []
    is_built = not parts and ((structure := structure_of(evidence.experiment)).is_all or own)
    if is_built:
        parts = [map_view(structural_strengths(structure)), _counts(structure)]
    parts += positions
    cosines = [strengths for epoch in evidence.course if (strengths := cosine_strengths(epoch)) is not None]
    parts += map(map_view, cosines[-1:])
    said = sentences(
        "sharing-map", evidence=evidence, is_built=is_built, of_positions=bool(positions), alike=alike(summaries)
    )
    return Section("sharing-map", "Sharing map", said, parts) if parts else None


def _searched(evidence: Evidence) -> list[Strengths]:
    """The strengths of the policies that a search ended on, where the paths that are evaluated are fixed."""
    found = searched(evidence)
    if found is None or with_policies(found.paths) or not found.policies:
        return []
    title = f"Whose policies went through the same modules, {found.source}"
    return [replace(each, name="policies-in-common", title=title) for each in strengths_of(found.policies)]


def _positions(evidence: Evidence, summaries: Mapping[str, Summary]) -> list[Part]:
    """A table of how the words of each task read the positions, and of how far they open to them."""
    rows = tuple(
        (task, summary.gate, summary.distance, summary.spread)
        for task, summary in of_kind(summaries, WordSummary).items()
        if summary.senders is None
    )
    read = "their task's mailbox" if evidence.has_own_mailboxes else "the shared positions"
    return [Table(("task", "gate", "distance", "spread"), rows, f"How words read {read}")] if rows else []


def _counts(structure: Structure) -> Table:
    rows = tuple(
        (task, structure.serve(task), structure.shared(task), structure.serve(task) - structure.shared(task))
        for task in structure.serving
    )
    return Table(("task", "parameters", "shared", "own"), rows, "Parameters of the sharing scheme")


def map_view(strengths: Strengths) -> View:
    """A drawing and a matrix with nodes, rows and columns in one order. The matrix stands alone where all links are
    alike to the digits that are read: lines are drawn in proportion to the widest, so there would be nothing to see."""
    order = ring_order(strengths)
    is_drawn = strengths.is_star or len({rounded(weight) for _, _, weight in strengths.links()}) > 1 or len(order) == 2
    network = network_chart(strengths, order) if is_drawn else None
    tasks = [name for name in order if name in strengths.tasks]
    sources = sorted(strengths.sources, key=lambda name: order.index(name) if name in order else len(order))
    number_of = {
        (task, source): number
        for task, line in zip(strengths.tasks, strengths.weights, strict=True)
        for source, number in zip(strengths.sources, line, strict=True)
    }
    numbers = [[number_of[task, source] for source in sources] for task in tasks]
    darkest = max((abs(number) for number in number_of.values() if known(number)), default=0.0)
    columns_are = "task" if strengths.symmetric else f"task {strengths.relation} …"
    matrix = grid_chart(
        f"{strengths.name}-matrix",
        strengths.title,
        f"{strengths.meaning} Rows are tasks, columns what stands behind '{strengths.relation}'.",
        tasks,
        sources,
        numbers,
        heads=("task", "source", "strength"),
        sentence=strengths.sentence,
        columns_are=columns_are,
    )
    markup = render(
        "map.html",
        network=network,
        svg=None if network is None else inline_svg(network),
        title="The same as a matrix" if network else strengths.title,
        meaning=strengths.meaning,
        corner="" if strengths.symmetric else columns_are,
        columns=sources,
        rows=zip(tasks, numbers, strict=True),
        known=known,
        rounded=rounded,
        darkest=darkest or 1,
    )
    return View(markup, [matrix] if network is None else [network, matrix])
