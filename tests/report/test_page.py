"""A page is one file in which nothing of a stranger runs, and the same input gives the same bytes."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mtlkit.errors import RunError
from mtlkit.report.page import is_report, page
from mtlkit.report.parts import Chart, Section, Table, View
from mtlkit.report.reading.sources import evidence_of, source_of
from mtlkit.report.sections import sections_of, write_figures
from mtlkit.report.templating import render
from mtlkit.runs import Wanted
from tests.report.conftest import CPU

HOSTILE = "\"'></script></style></title><script>window.stolen=1</script><img src=x onerror=window.stolen=1>\u202e"
INTRUSION = """
const script = document.createElement("script");
script.textContent = "window.stolen = 1";
document.body.append(script);
document.body.insertAdjacentHTML("beforeend", "<button id='bad' onclick='window.stolen = 1'>");
document.getElementById("bad").click();
"""
PLACES = """
const chart = document.querySelector("#figure-one").getBoundingClientRect();
const table = document.querySelector(".parts > .table");
const cells = [...table.querySelectorAll("td")];
return [table.getBoundingClientRect().top < chart.bottom, cells.every((each) => each.offsetHeight < 40)];
"""
HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def evidence(trained):
    return evidence_of(source_of(trained("indirect").path), Wanted(), CPU)


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def hostile(evidence):
    """Everything that a stranger can write, as they might."""
    meta = {
        **evidence.meta,
        **{name: HOSTILE for name in ("device", "processor", "created", "kernels", "mtlkit", "seed", "limit")},
        "command": [HOSTILE],
        "git": {"commit": HOSTILE, "dirty": HOSTILE},
        "plugins": {HOSTILE: HOSTILE},
        "data": {HOSTILE: HOSTILE},
        "texts": {HOSTILE: {HOSTILE: {"read": 1, "used": 1, "skipped": {HOSTILE: 1}}}},
    }
    log = [{**evidence.log[0], "stage": HOSTILE, "idle": [HOSTILE], "work": {HOSTILE: 3, "tokens": 1}}, *evidence.log]
    return replace(evidence, name=HOSTILE, meta=meta, log=log, notes=[HOSTILE])


def test_a_hostile_page_has_the_elements_of_a_kind_one(evidence):
    content = page(hostile(evidence), sections_of(hostile(evidence)))
    elements = Elements(content).found
    assert [tag for tag, _ in elements].count("script") == 1 and "img" not in [tag for tag, _ in elements]
    assert not [(tag, name) for tag, attributes in elements for name in attributes if name.startswith("on")]
    assert content.count("window.stolen=1&lt;/script&gt;") > 10, "it is shown as text"
    assert not HIDDEN.search(content)


def test_a_hostile_page_runs_nothing(evidence, browser, tmp_path):
    file = tmp_path / "hostile.html"
    file.write_text(page(hostile(evidence), sections_of(hostile(evidence))), encoding="utf-8")
    browser.open(file)
    assert browser.run("return window.stolen") is None
    assert browser.run("return document.querySelector('h1').textContent").startswith(HOSTILE[:20])
    assert browser.complaints() == [] and browser.requests() == []
    assert browser.overflow() <= 0
    browser.run(INTRUSION)
    assert browser.run("return window.stolen") is None, "the policy lets no script run but the page's own"
    assert any("Content Security Policy" in message for message in browser.complaints())


@pytest.mark.parametrize("scheme", ["direct", "indirect"])
def test_hostile_texts_and_labels_are_text(hostile_run, browser, tmp_path, scheme):
    file = tmp_path / "page.html"
    content = hostile_run(scheme).report()
    file.write_text(content, encoding="utf-8")
    tags = [tag for tag, _ in Elements(content).found]
    assert tags.count("script") == 1 and "img" not in tags
    assert not HIDDEN.search(content)
    browser.open(file)
    assert browser.hover_marks() == [] and browser.overflow() <= 0
    assert browser.run("return window.stolen") is None
    assert browser.complaints() == [] and browser.requests() == []


def test_nothing_is_asked_for_from_elsewhere(evidence):
    content = page(evidence, sections_of(evidence))
    for tag, attributes in Elements(content).found:
        assert tag not in ("link", "iframe", "object", "img", "base"), tag
        targets = [attributes[name] for name in ("href", "src", "xlink:href", "action") if name in attributes]
        assert all(target.startswith("#") for target in targets), (tag, targets)
    assert "default-src 'none'" in content and "url(http" not in content and "@import" not in content
    assert is_report(content[:2000]) and not is_report("<html><head></head>")


def test_equal_input_gives_equal_bytes(evidence, tmp_path):
    sections = sections_of(evidence)
    assert page(evidence, sections) == page(evidence, sections_of(evidence))
    folders = [tmp_path / "one", tmp_path / "two"]
    first, second = ([file.read_bytes() for file in write_figures(sections[:1], folder)] for folder in folders)
    assert first == second and len(first) == 3


def test_figures_are_written_in_three_forms(trained, tmp_path):
    evidence = evidence_of(source_of(trained("indirect").path), Wanted(tasks=["books"]), CPU)
    scores = next(section for section in sections_of(evidence) if "dev-scores" in str(section))
    files = write_figures([scores], tmp_path)
    names = {file.name for file in files}
    assert {f"dev-scores.{ending}" for ending in ("svg", "pdf", "csv")} <= names
    header, *rows = (tmp_path / "dev-scores.csv").read_text().splitlines()
    assert header == "epoch,average,books,films,meals" and len(rows) == 3
    drawn = [float(row.split(",")[2]) for row in rows]
    assert drawn == [100 * line["dev"]["books/accuracy"] for line in evidence.log]


def test_two_figures_with_one_name_are_refused(tmp_path):
    chart = Chart("twin", "", "", Table((), ()), lambda figure: None)
    view = View(render("summary.html", facts=[]), figures=[chart])
    with pytest.raises(RunError, match="two figures are called twin"):
        write_figures([Section("a", "A", "", [chart, view])], tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


def test_a_table_stands_beside_charts_only_where_its_rows_have_room(evidence, browser, tmp_path):
    chart = Chart("one", "", "", Table((), ()), lambda figure: None)
    file = tmp_path / "page.html"

    def beside(*row):
        """Whether the table stands beside the chart before it, and whether its rows are whole."""
        section = Section("a", "A", "", [chart, Table(tuple("abcde"[: len(row)]), (row,), "T"), chart])
        file.write_text(page(evidence, [section]), encoding="utf-8")
        browser.open(file)
        return browser.run(PLACES)

    assert beside("movie", 1, 0.25) == [True, True]
    assert beside("movie", "train", 4051, 4000, "51 without a label, which is not little") == [False, True]
    assert browser.overflow() <= 0
    assert '<p class="title">T</p>' in page(evidence, [Section("a", "A", "", [Table(("a",), (("b",),), "T")])])


def test_a_report_of_an_archive_says_what_is_left_out(trained, tmp_path):
    archive = shutil.copy(trained("indirect").path / "archive.tar.gz", tmp_path / "mine.tar.gz")
    evidence = evidence_of(source_of(archive), Wanted(), CPU)
    content = page(evidence, sections_of(evidence))
    assert "This is a report of an archive alone" in content
    assert 'id="curves"' not in content and 'id="summary"' in content
    figures = json.loads((trained("indirect").path / "metrics.json").read_text())["test"]
    assert f"{figures['average/accuracy']:.2%}" in content, "the texts are scored once more"
