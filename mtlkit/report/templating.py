"""The templates of a report's markup, style and script."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mtlkit.text import visible


def render(template: str, **values: Any) -> Markup:
    """Fills in a template of `mtlkit/report/templates`.

    All values but markup are escaped, characters that act instead of being seen are shown, and a name that has no
    value is an error.
    """
    return Markup(_environment().get_template(template).render(values))


def sentences(about: str, /, **values: Any) -> str:
    """Sentences on a section, matrix or chart, of `mtlkit/report/templates/sentences`: plain text, on one line. A name
    that has no value is an error."""
    return " ".join(_environment().get_template(f"sentences/{about}.txt").render(values).split())


def titled(chart: str, /, **values: Any) -> tuple[str, str, str]:
    """The name, title and caption of a chart, by its block of `mtlkit/report/templates/charts.txt`: plain text. A name
    that has no value is an error."""
    template = _environment().get_template("charts.txt")
    block = template.blocks[chart.replace("-", "_")]
    title, _, caption = "".join(block(template.new_context(values))).partition("\n")
    return chart, title, " ".join(caption.split())


def joined(first: str) -> Markup:
    """Joins all styles or all scripts, `first` being the first of them: each view brings its own."""
    names = _environment().list_templates(extensions=[first.rsplit(".", 1)[1]])
    return Markup("").join(render(name) for name in [first, *(name for name in names if name != first)])


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("mtlkit.report"),
        autoescape=lambda name: not (name or "").endswith(".txt"),  # which the page escapes
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    """What a template prints of a value: nothing for None, and a stranger's text so that all of it is seen."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
