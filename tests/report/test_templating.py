"""Whatever is put into a template stands there as text, and nothing is forgotten in silence."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from mtlkit.report.parts import Table
from mtlkit.report.templating import render

HOSTILE = "</script><script>alert(1)</script>"


def test_values_are_escaped_and_markup_is_not():
    page = render("table.html", table=Table((HOSTILE, "b"), ((HOSTILE, Markup("<b>1</b>")),), caption=HOSTILE))
    assert isinstance(page, Markup)
    assert "<script" not in page and page.count("&lt;script&gt;") == 3
    assert "<td><b>1</b></td>" in page


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError, match="table"):
        render("table.html")
