"""Errors quote what strangers write, and it stays a quotation."""

import pytest

import mtlkit
from mtlkit import errors
from mtlkit.config import say_argument
from mtlkit.errors import ConfigError, MtlkitError

FORGED = "x'\nall is well\r\x1b[2J\u2028"
WRITTEN_OUT = r"x'\nall is well\r\x1b[2J\u2028"
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MtlkitError)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_forges_no_line(kind):
    assert str(kind(f"a.tsv:1: label '{FORGED}")) == f"a.tsv:1: label '{WRITTEN_OUT}"


def test_an_error_of_several_mistakes_has_a_line_for_each():
    assert str(ConfigError("one", FORGED, "three")).split("\n") == ["one", WRITTEN_OUT, "three"]


def test_an_error_has_no_password():
    """As of an index that pip is told of by a URL, when it cannot be reached."""
    assert (
        str(MtlkitError("cannot reach https://me:hunter2@host/simple/")) == "cannot reach https://me:***@host/simple/"
    )


def test_what_a_listener_in_python_is_told_forges_no_line():
    told = []
    say_argument(told.append)(f"label '{FORGED} at mysql://me:hunter2@host")
    assert told == [f"label '{WRITTEN_OUT} at mysql://me:***@host"]


def test_an_experiment_with_mistakes_has_a_line_for_each(tmp_path):
    with pytest.raises(mtlkit.ConfigError) as error:
        mtlkit.load_experiment({"tasks": {}, FORGED: 1, "more": 2})
    assert len(error.value.args) == len(str(error.value).split("\n")) >= 2
