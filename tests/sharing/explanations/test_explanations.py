"""The tables of explanations, and text of strangers in them."""

import colorsys
import json
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from rich.console import Console

from mtlkit.cli.sheets import explanation_text
from mtlkit.sharing.explanations import Explanation, Guess, Mixture, PathStep, PathTaken, Reading, SharedWith
from mtlkit.sharing.explanations.html import DARKEST, HUES
from mtlkit.text import visible

HOSTILE = ["<script>alert(1)</script>", "[bold]x[/bold]", "\x1b[31m", "\u202eevil", "a\nb", '" onload="', ":smile:"]


def reading(words: list[str], tasks: tuple[str, ...] | None = ("editorial", "product", "tweet", "movie")) -> Reading:
    num_sources = len(words if tasks is None else tasks)
    weights = tuple(tuple((row + column) % 5 / 10 for column in range(num_sources)) for row in range(len(words)))
    return Reading(tuple(words), tasks, weights)


def explained(shared: SharedWith, words: tuple[str, ...] = ("fine", "film")) -> Explanation:
    return Explanation("movie", words, shared, "positive", 0.75)


def test_the_three_that_weigh_most() -> None:
    sheet = reading(["fine", "film"]).sheet()
    assert sheet.header == ("word", "reads most")
    assert [row.name for row in sheet.rows] == ["fine", "film"]
    assert [(entry.name, entry.weight) for entry in sheet.rows[1].cells[0]] == [
        ("movie", 0.4),
        ("tweet", 0.3),
        ("product", 0.2),
    ]


def test_words_that_are_sources_are_numbered() -> None:
    sheet = reading(["the", "the"], None).sheet()
    assert [row.name for row in sheet.rows] == ["the (1)", "the (2)"]
    assert [entry.name for entry in sheet.rows[1].cells[0]] == ["the (2)", "the (1)"]


@pytest.mark.parametrize("tasks", [None, ("movie", "tweet", "product")])
def test_what_nothing_was_taken_of_is_not_read(tasks: tuple[str, ...] | None) -> None:
    """As the words around with `aligned`, whose weights are 1 and 0."""
    sheet = Reading(("a", "fine", "film"), tasks, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0))).sheet()
    assert [[entry.weight for entry in row.cells[0]] for row in sheet.rows] == [[1.0], [1.0], []]


def test_both_ways_stand_side_by_side() -> None:
    both = Reading(("fine",), ("movie", "tweet"), ((0.25, 0.75),), ((0.625, 0.375),))
    assert both.sheet().header == ("word", "from left to right", "from right to left")
    assert [[entry.name for entry in cell] for cell in both.sheet().rows[0].cells] == [
        ["tweet", "movie"],
        ["movie", "tweet"],
    ]


def test_a_guess_is_one_line_with_the_likeliest_first() -> None:
    guess = Guess(("movie", "product", "tweet"), (0.25, 0.125, 0.625))
    assert guess.sheet().header == ("the discriminator", "takes it for")
    (row,) = guess.sheet().rows
    assert [(entry.name, entry.weight) for entry in row.cells[0]] == [
        ("tweet", 0.625),
        ("movie", 0.25),
        ("product", 0.125),
    ]
    shared = explained(guess).to_json()["shared"]
    assert shared == {"kind": "guess", "sources": ["movie", "product", "tweet"], "probabilities": (0.25, 0.125, 0.625)}


def test_a_path_has_probabilities_and_what_else_there_was() -> None:
    path = PathTaken((PathStep(1, (0.25, 0.625, 0.0, 0.125)), PathStep(None, (0.125, 0.25, 0.125, 0.5))))
    assert [step.probability for step in path.steps] == [0.625, 0.5]
    first, second = path.sheet().rows
    assert [(entry.name, entry.weight) for cell in first.cells for entry in cell] == [
        ("module 1", 0.625),
        ("module 0", 0.25),
        ("stop", 0.125),
    ]
    assert second.cells[0][0].name == "stop"
    assert PathTaken((PathStep(2, None),)).sheet().header == ("step", "takes")


def test_a_path_without_modules_is_told() -> None:
    assert "no module; the head reads the embeddings" in explanation_text(explained(PathTaken(())), to_file=True)


def test_coefficients_are_shown_with_their_sign() -> None:
    shown = explanation_text(explained(Mixture(("movie", "tweet"), ((0.25, -0.75),))), to_file=True)
    assert "tweet -0.75   movie 0.25" in shown


@pytest.mark.parametrize("tasks", [("movie", "tweet"), None])
def test_hostile_text_is_shown_as_text(tasks: tuple[str, ...] | None) -> None:
    words = tuple(HOSTILE)
    explanation = Explanation("movie", words, reading(HOSTILE, tasks), tags=words)
    shown = explanation_text(explanation, to_file=True)
    for word in words:
        assert visible(word) in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "\\u001b[31m" in shown and "[bold]x[/bold]" in shown and "a\\u000ab" in shown


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: dict[str, set[str]] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.setdefault(tag, set()).update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_notebook_shows_hostile_text_as_text() -> None:
    parser = Tags()
    parser.feed(Explanation("movie", tuple(HOSTILE), reading(HOSTILE), label="<b>")._repr_html_())
    assert parser.opened == {
        **{tag: {"style"} for tag in ("caption", "td", "span")},
        **{"table": set(), "tr": set(), "th": {"style", "scope"}},
    }
    for word in HOSTILE:
        assert visible(word) in parser.text


@pytest.mark.parametrize(
    ("shared", "rows"),
    [(reading(["fine", "film"]), 2), (PathTaken((PathStep(0, None),)), 1), (Mixture(("movie",), ((0.0,), (0.0,))), 2)],
    ids=["reading", "path", "mixture"],
)
def test_a_notebook_shows_every_row(shared: SharedWith, rows: int) -> None:
    html = explained(shared)._repr_html_()
    assert html.count("<tr>") == rows + 1 and "movie: positive 0.75" in html


@pytest.mark.parametrize(("page", "text"), [(1.0, 0.0), (0.0, 1.0)], ids=["light", "dark"])
@pytest.mark.parametrize("hue", HUES)
def test_text_on_its_darkest_colour_is_readable(hue: int, page: float, text: float) -> None:
    """By the contrast of WCAG 2, whose AAA is 7."""
    colour = colorsys.hls_to_rgb(hue / 360, 0.5, 0.8)
    mixed = luminance([DARKEST * part + (1 - DARKEST) * page for part in colour])
    lighter, darker = max(mixed, text), min(mixed, text)
    assert (lighter + 0.05) / (darker + 0.05) > 7


def luminance(colour: Sequence[float]) -> float:
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_colours_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = explained(reading(["fine", "\u202e"]))
    for colours in ("truecolor", None):
        terminal = Console(force_terminal=True, color_system=colours, markup=False, width=80)
        monkeypatch.setattr("mtlkit.cli.sheets.results", terminal)
        shown = explanation_text(explanation, to_file=False)
        assert ("\x1b[35m" in shown) == (colours is not None)
        assert "\u202e" not in shown and "\\u202e" in shown


def test_what_acts_is_escaped_and_what_is_seen_is_not() -> None:
    assert visible("Gefühl 😀 [b] \u200d ਪੰ") == "Gefühl 😀 [b] \u200d ਪੰ"
    assert visible("\x00\x7f\x9b\u2028\u202e\ud800\U000e0001") == (
        "\\u0000\\u007f\\u009b\\u2028\\u202e\\ud800\\udb40\\udc01"
    )
    value = {"words": HOSTILE}
    assert json.loads(visible(json.dumps(value, ensure_ascii=False))) == value
