"""Whatever is put into a template stands there as text, and nothing is forgotten in silence."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from mtlkit.report.templating import joined, render

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
