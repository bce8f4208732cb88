"""The sections on what was shared: whatever the scheme and however many tasks, they can be drawn and read."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtlkit.report.analysis.strengths import same_module
from mtlkit.report.charts.drawing import inline_svg, write_chart
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Chart, Section, Table, View
from mtlkit.report.reading.course import read_course
from mtlkit.report.views import mixture, pool, sharing_map
from mtlkit.report.views.course import discriminator_section, gradients_section, reading_section
from mtlkit.sharing.summaries import PathSummary
from mtlkit.text import visible
from tests.report import shared_evidence
from tests.report.shared_evidence import FOUR, GRID, HOSTILE, Make, course_of, evidence, made, positions

VIEWS = [
    sharing_map.section,
    pool.section,
    mixture.section,
    discriminator_section,
    gradients_section,
    reading_section,
]
MAKES = [
    shared_evidence.path,
    shared_evidence.words,
    shared_evidence.positions,
    shared_evidence.mixture,
    shared_evidence.guess,
]
TASKS = {"one": FOUR[:1], "two": FOUR[:2], "four": FOUR, "twenty": GRID, "hostile": HOSTILE}


def sections(given: Evidence) -> list[Section]:
    return [section for view in VIEWS if (section := view(given)) is not None]


def charts(section: Section) -> Iterator[Chart]:
    for part in section.parts:
        if isinstance(part, Chart):
            yield part
        elif isinstance(part, View):
            yield from part.figures


def parsed(svg: str) -> ElementTree.Element:
    """The drawing as XML, in which the prefix needs a namespace; in a page it does not."""
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1))


def of(make: Make, tasks: str, epochs: int = 3) -> Evidence:
    """The experiment's own names are plain ones; those of traces and records may be anything."""
    names = [f"task_{number}" for number in range(len(HOSTILE))] if tasks == "hostile" else None
    return evidence(made(make, TASKS[tasks]), course_of(make, TASKS[tasks], epochs), names=names)


CASES = [
    *((make, tasks) for make in MAKES for tasks in ("one", "twenty", "hostile")),
    *((make, tasks) for make in MAKES[:2] for tasks in ("two", "four")),
]


@pytest.mark.parametrize(("make", "tasks"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_every_chart_is_a_drawing_whose_marks_say_something(make: Make, tasks: str) -> None:
    found = sections(of(make, tasks))
    names = [chart.name for section in found for chart in charts(section)]
    assert len(names) == len(set(names)), "two charts would be one file"
    for part in (part for section in found for part in section.parts if isinstance(part, View)):
        check_markup(str(part.markup))
        assert tasks != "hostile" or ("&lt;script&gt;" in part.markup and visible("\u202eevil") in part.markup)
    for chart in (chart for section in found for chart in charts(section)):
        svg = str(inline_svg(chart))
        root = parsed(svg)
        check_markup(svg)
        marks = [element for element in root.iter() if element.get("class") == "mark"]
        assert all((element.get("aria-label") or "").strip() for element in marks)
        assert len(marks) <= 62 and all(element.get("tabindex") == "0" for element in marks)
        assert float(root.get("width") or 0) <= 375 and chart.height < 8 and chart.title and chart.caption.endswith(".")
        assert all(len(row) == len(chart.data.header) for row in chart.data.rows)
        assert re.fullmatch(r"[a-z0-9-]+", chart.name)


def check_markup(markup: str) -> None:
    """Names of strangers are shown as text."""
    assert "<script" not in markup and "\u202e" not in markup and 'onload="' not in markup


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.__name__)
def test_each_scheme_has_its_sections(make: Make) -> None:
    expected = {
        "path": ["sharing-map", "pool", "gradients"],
        "words": ["sharing-map", "gradients", "reading-course"],
        "positions": ["sharing-map", "gradients", "reading-course"],
        "mixture": ["sharing-map", "mixtures", "gradients"],
        "guess": ["sharing-map", "discriminator", "gradients"],
    }
    assert [section.anchor for section in sections(of(make, "four"))] == expected[make.__name__]


def test_without_anything_told_there_is_the_map_alone() -> None:
    assert [section.anchor for section in sections(evidence(dict.fromkeys(FOUR)))] == ["sharing-map"]


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.__name__)
def test_an_archive_without_a_course_shows_what_it_is(make: Make) -> None:
    found = sections(evidence(made(make, FOUR)))
    assert found[0].anchor == "sharing-map" and all(section.parts for section in found)
    assert not [chart.name for section in found for chart in charts(section) if "course" in chart.name]


def test_figures_of_the_map_are_written_with_their_numbers(tmp_path: Path) -> None:
    given = of(shared_evidence.words, "four")
    network, *_ = charts(sharing_map.section(given))
    files = write_chart(network, tmp_path)
    assert [file.suffix for file in files] == [".svg", ".pdf", ".csv"]
    header, *lines = files[2].read_text().splitlines()
    assert header == "task,source,strength" and len(lines) == 12
    weights = {(task, source): float(weight) for task, source, weight in (line.split(",") for line in lines)}
    for task, summary in given.observed.items():
        told: Any = summary.summary
        assert {source: weights[task, source] for source in told.senders} == dict(
            zip(told.senders, told.weights_N, strict=True)
        )


def test_paths_that_are_fixed_show_the_policies_of_the_search() -> None:
    course = course_of(shared_evidence.path, FOUR, 3, "search")
    last: Mapping[str, Any] = read_course(course)[-1].summaries
    fixed = {task: PathSummary(last[task].modules, None) for task in FOUR}
    section = pool.section(
        evidence(
            fixed,
            [
                *course,
                {"epoch": 1, "stage": "fine_tune", "sharing": {task: path.to_json() for task, path in fixed.items()}},
            ],
        )
    )
    assert section is not None and "after epoch 3 of search" in section.lead
    names = [chart.name for chart in charts(section)]
    assert {"pool-paths", "pool-embeddings", "pool-space", "pool-projections", "pool-certainty", "pool-entropy"} < set(
        names
    )
    diagram = next(charts(section))
    assert all(
        probability == last[str(task)].policy_SA[int(str(step)) - 1][-1 if action == "stop" else int(str(action)[1:])]
        for task, step, action, probability in diagram.data.rows
        if probability is not None
    )
    assert any(row[3] is not None for row in diagram.data.rows)


def test_of_a_search_that_kept_an_earlier_epoch_it_is_that_ones_policies() -> None:
    course = course_of(shared_evidence.path, FOUR, 3, "search")
    kept: Mapping[str, Any] = read_course(course)[1].summaries
    given = evidence({task: PathSummary(kept[task].modules, None) for task in FOUR}, course)
    section = pool.section(given)
    assert section is not None and "after epoch 2 of search" in section.lead
    by_name = {chart.name: chart for chart in charts(sharing_map.section(given))}
    assert by_name["policies-in-common-matrix"].title.endswith("after epoch 2 of search")
    cells = {row[:2]: row[2] for row in by_name["policies-in-common-matrix"].data.rows}
    assert cells["movie", "tweet"] == same_module(kept["movie"], kept["tweet"])


def test_of_epochs_with_the_paths_that_were_kept_the_best_one_counts() -> None:
    (line,) = course_of(shared_evidence.path, FOUR, 1, "search")
    course = [{**line, "epoch": epoch} for epoch in (1, 2, 3)]
    log = [{"stage": "search", "epoch": epoch, "improved": ["model"] * (epoch < 3)} for epoch in (1, 2, 3)]
    kept: Mapping[str, Any] = read_course(course)[0].summaries
    given = evidence({task: PathSummary(kept[task].modules, None) for task in FOUR}, course)
    for known, number in (([], 3), (log, 2)):
        section = pool.section(replace(given, log=known))
        assert section is not None and f"after epoch {number} of search" in section.lead


def test_a_path_that_the_search_did_not_end_on_has_no_probabilities() -> None:
    course = course_of(shared_evidence.path, FOUR, 2, "search")
    fixed = {task: PathSummary((0, 0, 0, 0), None) for task in FOUR}
    section = pool.section(evidence(fixed, course))
    assert section is not None
    assert all(row[3] is None for row in next(charts(section)).data.rows)


@pytest.mark.parametrize("policy", [None, ((0.0, 1.0),)])
def test_a_pool_of_which_nothing_is_taken(policy: tuple[tuple[float, ...], ...] | None) -> None:
    section = pool.section(evidence({task: PathSummary((), policy) for task in FOUR}))
    assert section is not None
    for chart in charts(section):
        parsed(str(inline_svg(chart)))
    assert [row[2] for row in next(charts(section)).data.rows] == ["stop"] * len(FOUR)


def test_changes_of_paths_are_counted() -> None:
    paths = [(0,), (0,), (1,), (0,), (0,)]
    course = [
        {"epoch": epoch, "sharing": {"movie": PathSummary(modules, ((0.5, 0.5, 0.0), (0.0, 0.0, 1.0))).to_json()}}
        for epoch, modules in enumerate(paths, 1)
    ]
    section = pool.section(evidence({"movie": PathSummary((0,), None)}, course))
    assert section is not None
    table = section.parts[-1]
    assert getattr(table, "rows") == (("movie", 2, "epoch 4", "M0 → stop", "M1 → stop"),)  # noqa: B009
    assert "table of changes" not in section.lead
    kept = pool.section(evidence({"movie": PathSummary((1,), None)}, course))
    assert kept is not None
    assert "path of movie after the last epoch of the search, in the table of changes, is not the one" in kept.lead


def test_the_record_of_cosines_is_what_is_drawn() -> None:
    course = course_of(shared_evidence.words, FOUR, 3)
    section = gradients_section(evidence(made(shared_evidence.words, FOUR), course))
    assert section is not None
    means, pairs = charts(section)
    for place, epoch in enumerate(read_course(course)):
        assert epoch.cosines is not None
        numbers = [cosine for *_, cosine in epoch.cosine_pairs()]
        drawn = {row[0]: row[3] for row in means.data.rows if row[2] == place + 1}
        assert drawn == {
            "largest": max(numbers),
            "mean": pytest.approx(sum(numbers) / len(numbers)),
            "smallest": min(numbers),
        }
        of_pairs = {row[0]: row[3] for row in pairs.data.rows if row[2] == place + 1}
        assert of_pairs == {f"{one} · {other}": cosine for one, other, cosine in epoch.cosine_pairs()}


def test_chance_stands_beside_the_discriminators_accuracy() -> None:
    given = of(shared_evidence.guess, "four")
    section = discriminator_section(given)
    assert section is not None and "0.25" in section.lead
    together, single = charts(section)
    first = {task: summary.to_json() for task, summary in given.course[0].summaries.items()}
    assert together.data.rows[0][3] == pytest.approx(sum(first[task]["accuracy"] for task in FOUR) / 4)
    assert [row[3] for row in single.data.rows if row[2] == 1] == [first[task]["accuracy"] for task in FOUR]
    assert "chance: 0.25" in inline_svg(together)


def test_own_and_other_coefficients_are_means_over_layers() -> None:
    given = of(shared_evidence.mixture, "four")
    section = mixture.section(given)
    assert section is not None
    by_name = {chart.name: chart for chart in charts(section)}
    recorded = given.course[0].summaries["movie"].to_json()
    column = [row[recorded["tasks"].index("tweet")] for row in recorded["weights_LK"]]
    (found,) = [row[3] for row in by_name["mixture-others"].data.rows if row[::2] == ("movie ← tweet", 1)]
    assert found == pytest.approx(sum(column) / len(column))
    layer: Any = given.observed["movie"].summary
    cells = {row[:2]: row[2] for row in by_name["mixture-layer-2"].data.rows}
    assert cells["movie", "tweet"] == layer.weights_LK[1][layer.tasks.index("tweet")]


def test_a_measure_that_no_task_has_is_not_drawn() -> None:
    section = reading_section(of(shared_evidence.words, "four"))
    assert section is not None
    assert [chart.name for chart in charts(section)] == ["reading-senders", "reading-spread", "reading-gate"]


def test_numbers_of_a_grid_say_the_stage_too() -> None:
    course = [
        *course_of(shared_evidence.positions, GRID, 1, "search"),
        *course_of(shared_evidence.positions, GRID, 1, "tune"),
    ]
    section = reading_section(evidence(made(shared_evidence.positions, GRID), course))
    assert section is not None
    for chart in charts(section):
        assert {row[1:3] for row in chart.data.rows} == {("search", 1), ("tune", 1)}
        assert len(chart.data.rows) == 2 * len(GRID)


def test_mailboxes_of_tasks_link_no_tasks() -> None:
    """Words that read what is their own task's do not read a layer that is shared."""
    lstm = {"type": "message_passing", "hidden_dim": 4, "communicator": {"type": "indirect"}}
    shown = {}
    for mailbox in ("shared", "per_task"):
        for share in ("shared", "per_task"):
            found = evidence(made(positions, FOUR), sharing={**lstm, "mailbox": mailbox, "share": share})
            (section,) = sections(found)
            tables = [part.caption for part in section.parts if isinstance(part, Table)]
            shown[mailbox, share] = ([chart.name for chart in charts(section)], tables, section)
    assert shown["shared", "shared"][0] == ["gates-network", "gates-matrix"]
    assert shown["shared", "shared"][1] == ["How words read the shared positions"]
    for share in ("shared", "per_task"):
        names, tables, section = shown["per_task", share]
        assert names[-1] == "parameters-in-common-matrix"
        assert tables == ["Parameters of the sharing scheme", "How words read their task's mailbox"]
        assert "shared layer" not in str(section)
    (matrix,) = charts(shown["per_task", "per_task"][2])  # no network, as there are no links
    assert {row[2] for row in matrix.data.rows} <= {0.0, None}
