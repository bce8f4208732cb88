"""Views of what words read: every weight where it belongs, and a stranger's words as text."""

from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from mtlkit.config import Lazy
from mtlkit.metrics import Metric
from mtlkit.report.charts.drawing import as_csv, inline_svg, write_chart
from mtlkit.report.evidence import Affinity, Evidence, Example, Observed, Offsets, Pattern, ReadText
from mtlkit.report.parts import Chart, View
from mtlkit.report.views import distances, patterns, positions, words
from mtlkit.report.views.positions import picture_of
from mtlkit.report.views.texts import shown_texts, slugs
from mtlkit.sharing.explanations import Reading
from mtlkit.training import Predictions

HOSTILE = '</script><script>alert("1")</script>'
TURNED = "a\u202eb\x1b[31m"
WORDS = ("plain", HOSTILE, TURNED, "'\"><img src=x onerror=alert(1)>")
TASK = "<b>books</b>"


class Elements(HTMLParser):
    """All elements with their attributes, and all text."""

    def __init__(self, markup):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(str(markup))

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def of(self, tag, attribute):
        return [attributes[attribute] for name, attributes in self.found if name == tag and attribute in attributes]


def evidence(**observed):
    """Evidence of two tasks, of which only the first has something to show."""
    predictions = Predictions(TASK, "", ["good"], ["good"], [Lazy.of(Metric.by_name("accuracy"))])
    seen = {TASK: Observed(predictions, None, **observed), "films": Observed(predictions, None)}
    experiment: Any = SimpleNamespace(model=SimpleNamespace(sharing=SimpleNamespace(settings=None)))
    return Evidence("run", experiment, {}, None, [], [], [], "test", seen)


def text(tasks=None, both=False, **answers):
    given = {"gold": "good", "predicted": HOSTILE, **answers}
    way = ((0.7, 0.1, 0.2, 0.0), (0.25,) * 4, (0.0, 0.0, 0.004, 0.996), (0.1, 0.2, 0.3, 0.4))
    if tasks is not None:
        way = tuple(row[: len(tasks)] for row in way)
    return ReadText(3, reading=Reading(WORDS, tasks, way, way[::-1] if both else None), **given)


def view_of(section):
    (part,) = section.parts
    assert isinstance(part, View)
    return part, Elements(part.markup)


@pytest.mark.parametrize("tasks", [None, ("films", "<i>")])
def test_a_strangers_words_are_shown_as_text(tasks):
    section = (positions if tasks is None else words).section(evidence(texts=[text(tasks)]))
    part, elements = view_of(section)
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "img", "b", "i"}
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert HOSTILE in elements.text and TASK in elements.text and WORDS[3] in elements.text
    assert "\u202e" not in part.markup and "\x1b" not in part.markup and "\\u202e" in elements.text


def test_words_say_whom_they_read():
    tasks = ("films", "plays", "radio", "songs")
    _, elements = view_of(words.section(evidence(texts=[text(tasks, gates=(0.5, 0.25, 0.125, 1.0))])))
    tips = elements.of("button", "data-tip")
    assert tips[0] == "films 0.70\nradio 0.20\nplays 0.10\ngate open 0.50"
    assert elements.of("button", "tabindex") == ["0", "-1", "-1", "-1"]
    shades = [float(style.removeprefix("--w:")) for style in elements.of("button", "style")]
    assert shades[1] == 0 and shades[2] == 1 and 0 < shades[0] < 1
    assert ".70" in elements.text and "answered" in elements.text and "wrong: it is good" in elements.text


def test_words_carry_what_their_lines_need():
    _, elements = view_of(positions.section(evidence(texts=[text(both=True)])))
    reads = elements.of("button", "data-reads")
    assert reads[0] == "0:700 2:200 1:100" and reads[2] == "3:996"
    assert reads[4:8] == ["1.1", "0.6", "0.8", "1.6"]
    assert reads[8] == "3:400 2:300 1:200 0:100"
    assert elements.of("div", "data-way") == ["from left to right", "from right to left"]
    assert elements.of("div", "data-chosen") == ["2", "1"]


def test_tags_are_told_word_by_word():
    tagged = text(("films",), gold=("A",) * 4, predicted=("A", "A", "B", "A"))
    _, elements = view_of(words.section(evidence(texts=[tagged])))
    assert "3 of 4 tags right" in elements.text
    assert elements.of("button", "data-tip")[2] == "films 0.00\ntag B"


def pattern(word, source, reach="short", lift=2.0):
    words = tuple(f"w{number}" for number in range(30))
    return Pattern(word, source, reach, 1.0, 0.4, lift, 1.0, 5, Example(3, words, 10, 11 if reach == "short" else 25))


def test_patterns_stand_with_their_example():
    found = [pattern(HOSTILE, "boring"), pattern("never", TURNED, "long")]
    part, elements = view_of(patterns.section(evidence(texts=[text()], patterns=found)))
    assert "script" not in {tag for tag, _ in elements.found} and HOSTILE in elements.text
    assert elements.of("a", "href") == ["#positions-b-books-b-3"] * 2
    assert elements.of("mark", "class") == ["word", "source"] * 2
    pieces = " ".join(elements.text.split())
    assert "\u2026 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 \u2026" in pieces
    assert "w14 \u2026 w21" in pieces and pieces.count("w25") == 1
    assert [chart.name for chart in part.figures] == ["patterns-b-books-b"]


def test_patterns_that_are_next_to_nothing_are_told_as_such():
    slight, strong = (
        patterns.section(evidence(texts=[text()], patterns=[pattern("never", "boring", lift=lift)])).lead
        for lift in (1.1, 1.5)
    )
    assert "next to nothing: the largest lift is 1.10" in slight and "next to nothing" not in strong


def test_affinities_are_told_by_sender():
    found = [Affinity("easily", "toys", 0.4, 0.1, 7), Affinity("breaks", "toys", 0.2, 0.1, 9)]
    _, elements = view_of(words.affinities_section(evidence(affinities=found)))
    assert elements.of("span", "style") == ["--w:1", "--w:.33"]
    assert "easily 0.400 (7)" in elements.text and "toys" in elements.text


def test_distances_are_drawn_for_each_task():
    offsets = Offsets((0.1, 0.2, 0.3, 0.2, 0.1), (0.2, 0.2, 0.2, 0.2, 0.2), 0.35, 0.35)
    section = distances.section(evidence(offsets=offsets))
    chart, shares = section.parts
    assert isinstance(chart, Chart) and chart.data.rows[2] == (0, pytest.approx(1.5))
    assert shares.rows == ((TASK, "35%", "30.0%", "35%"),)
    drawn = inline_svg(chart)
    assert "&lt;b&gt;books&lt;/b&gt;: most at +0, 1.50 times as much, least at -2, 0.50 times as much" in drawn
    assert "<b>" not in drawn


def test_what_is_never_read_is_no_time_as_much_and_what_is_nowhere_has_no_number():
    offsets = Offsets((0.0, 0.5, 0.5, 0.0, 0.0), (0.2, 0.2, 0.2, 0.2, 0.0), 0.5, 0.0)
    chart, _ = distances.section(evidence(offsets=offsets)).parts
    assert [row[1] for row in chart.data.rows] == [0.0, pytest.approx(2.5), pytest.approx(2.5), 0.0, None]
    assert "most at -1, 2.50 times as much, least at -2, 0.00 times as much" in inline_svg(chart)


@pytest.mark.parametrize("tasks", [None, ("films", "<i>", "c", "d")])
def test_figures_have_all_weights(tasks, tmp_path):
    section = (positions if tasks is None else words).section(evidence(texts=[text(tasks)]))
    (figure,) = section.parts[0].figures
    lines = as_csv(figure.data).splitlines()
    assert len(lines) == 5 and lines[1] == "1,plain,0.7,0.1,0.2,0.0"
    files = write_chart(figure, tmp_path)
    assert [file.suffix for file in files] == [".svg", ".pdf", ".csv"]
    assert "<script" not in files[0].read_text()


def test_lines_of_a_figure_are_as_bold_as_on_the_page():
    row = (0.05,) * 20
    weak = ReadText(1, "good", "good", Reading(tuple(f"word{number}" for number in range(20)), None, (row,) * 20))
    (view,) = positions.section(evidence(texts=[weak])).parts
    drawn = Figure()
    view.figures[0].draw(drawn)
    opacities = [line.get_alpha() for line in drawn.axes[0].lines]
    assert opacities == [pytest.approx(0.05 / positions.BOLD)] * len(opacities) and opacities
    assert "the boldest stands for 0.20" in view.figures[0].caption


def test_there_is_no_section_where_there_is_nothing_to_show():
    for section in (words.section, words.affinities_section, positions.section, distances.section, patterns.section):
        assert section(evidence()) is None


def test_a_page_of_many_texts_is_small():
    """16 tasks with 6 texts of 40 words, of which every weight is worth a line."""
    size = 40
    row = tuple(1 / size for _ in range(size))
    reading = Reading(tuple(f"word{number}" for number in range(size)), None, (row,) * size)
    texts = [ReadText(number, "good", "bad", reading) for number in range(6)]
    assert 16 * len(view_of(positions.section(evidence(texts=texts)))[0].markup) < 1_500_000
    tasks = tuple(f"task {number}" for number in range(15))
    reading = Reading(reading.words, tasks, (row[:15],) * size)
    texts = [ReadText(number, "good", "bad", reading) for number in range(6)]
    assert 16 * len(view_of(words.section(evidence(texts=texts)))[0].markup) < 1_500_000


def test_of_many_tasks_fewer_texts_are_shown_right_and_wrong_ones_mixed():
    given = [text(gold=gold, both=True) for gold in ("good", "good", "good", HOSTILE, HOSTILE, HOSTILE)]
    given = [replace(each, number=number) for number, each in enumerate(given)]
    one = evidence(texts=given)
    many = replace(one, observed={f"{number}": one.observed[TASK] for number in range(20)})
    assert [each.number for each in shown_texts(one, of_tasks=False)[TASK]] == [0, 1, 2, 3, 4, 5]
    assert {tuple(each.number for each in few) for few in shown_texts(many, of_tasks=False).values()} == {(0, 3, 4)}
    assert shown_texts(one, of_tasks=True) == {}


def test_slugs_are_all_different():
    found = slugs(["A b", "a-b", "\u00e9", "!", "a-b-2"])
    assert len(set(found.values())) == 5 and found["A b"] == "a-b" and found["a-b"] == "a-b-2"


def test_a_picture_is_as_large_as_its_matrix():
    content = b64decode(picture_of([[0.0, 1.0, 2.0], [0.5, -1.0, 0.2]]).split(",")[1])
    opacities = imread(BytesIO(content), format="png")[..., -1]
    assert opacities.tolist() == [pytest.approx([0, 1, 1], abs=0.01), pytest.approx([0.5, 0, 0.2], abs=0.01)]
