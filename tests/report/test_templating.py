"""Whatever is put into a template stands there as text, and nothing is forgotten in silence."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

import mtlkit.report
from mtlkit.report.templating import joined, render, sentences, titled

ROOT = Path(mtlkit.report.__file__).parent

HOSTILE = "</script><script>alert(1)</script>\u202e"


def test_values_are_escaped_and_markup_is_not():
    page = render("summary.html", facts=[(HOSTILE, HOSTILE), ("b", Markup("<b>1</b>"))])
    assert isinstance(page, Markup)
    assert "<script" not in page and page.count("&lt;script&gt;") == 2
    assert "\u202e" not in page and page.count("\\u202e") == 2, "what would turn the line is shown instead"
    assert "<dd><b>1</b></dd>" in page


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError, match="facts"):
        render("summary.html")


def test_views_bring_their_own_style():
    style = joined("style.css")
    assert style.startswith(":root") and ".settings" in style


def test_sentences_are_plain_text_on_one_line():
    said = sentences("curves", kept="epoch 2", selection="<mean>", stages=["search", "tune"])
    assert "\n" not in said and "  " not in said and "the selection '<mean>'" in said
    assert said.endswith("The stages search, tune follow each other, with a line between them.")
    with pytest.raises(UndefinedError, match="stages"):
        sentences("curves", kept="epoch 2", selection="mean")


def test_a_title_ends_where_its_line_does_whatever_stands_in_it():
    name, title, caption = titled("patterns", task="a\nb \u202e<i>")
    assert (name, title) == ("patterns", "Patterns of a\\u000ab \\u202e<i>")
    assert caption.startswith("Pairs of words") and caption.endswith("usual for the source.") and "\n" not in caption
    with pytest.raises(UndefinedError, match="task"):
        titled("patterns")


def test_no_sentence_and_no_title_is_left_over():
    source = "".join(file.read_text(encoding="utf-8") for file in ROOT.rglob("*.py"))
    blocks = re.findall(r"block (\w+)", (ROOT / "templates" / "charts.txt").read_text(encoding="utf-8"))
    said = [file.stem for file in (ROOT / "templates" / "sentences").iterdir()]
    names = [*(block.replace("_", "-") for block in blocks), *said]
    parts = {name: (name, name.removeprefix("matrix-"), name.removeprefix("reading-")) for name in names}
    left_over = [name for name, ways in parts.items() if not any(f'"{way}"' in source for way in ways)]
    assert len(names) > 40 and left_over == []


def test_what_is_filled_in_ends_on_its_line_or_the_line_end_would_be_shown():
    texts = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "templates").rglob("*.txt")}
    assert {name: found for name, text in texts.items() if (found := re.findall(r"\{[{%][^}]*\n", text))} == {}
    flat = sentences("words", most=0.04, is_alike=True)
    assert "here is 0.04, so all words read nearly all tasks alike. Under" in flat
    assert "here is 0.50. Under" in sentences("words", most=0.5, is_alike=False)
