"""Settings in words."""

import pytest

from mtlkit.config import Component, Spec, interfaces, settings_of, summary
from mtlkit.experiment import SECTIONS
from mtlkit.types import PositiveInt

pytestmark = pytest.mark.usefixtures("registry")


class Size(Spec):
    """How large it is. No matter what."""

    width: PositiveInt = 3
    """From left to right,
    in words."""
    name: str


def test_attributes_are_described_by_the_strings_below_them() -> None:
    width, name = settings_of(Size)
    assert (width.name, width.kind, width.default) == ("width", "integer > 0", "3")
    assert width.meaning == "From left to right, in words."
    assert (name.default, name.meaning) == (None, "")


def test_every_section_of_an_experiment_is_described() -> None:
    for section in SECTIONS.values():
        assert all(setting.meaning for setting in settings_of(section)), section


@pytest.mark.parametrize(
    ("docstring", "said"),
    [
        ("One thing. Another thing.", "One thing."),
        ("One thing\n\n    Another thing.", "One thing."),
        ("As in Liu et al. 2019, eqs. 3-6, e.g. a sum. Another thing.", "As in Liu et al. 2019, eqs. 3-6, e.g. a sum."),
        ("Two\n    lines.", "Two lines."),
    ],
)
def test_a_summary_is_the_first_sentence(docstring: str, said: str) -> None:
    assert summary(type("Engine", (Component,), {"__doc__": docstring})) == said


def test_summaries_are_whole() -> None:
    for interface in interfaces().values():
        for name in interface.list_available():
            said = summary(interface.by_name(name))
            assert said.count("(") == said.count(")") and said.count("`") % 2 == 0, said
