"""What is varied, as it is written on the command line."""

import pytest

from mtlkit.config import parse_value
from mtlkit.errors import ConfigError
from mtlkit.sweeps import Axis, find_axis, parse_grid, parse_range, parse_seeds, refuse_repeated

ARGUMENTS = ["hidden", "l2", "preset"]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("hidden=100,200", (100, 200)),
        ("l2=0,1e-5,5e-5", (0, 1e-5, 5e-5)),
        ("preset=common,paper", ("common", "paper")),
        ('preset=[0, 1],{"a": [1, 2]},"x,y",null', ([0, 1], {"a": [1, 2]}, "x,y", None)),
        ('preset="a\\",b",c', ('a",b', "c")),
        ("hidden=1,true,1.0", (1, True, 1.0)),
        ("preset=a=b", ("a=b",)),
    ],
)
def test_values_are_json_or_text(given, values):
    assert repr(parse_grid(given, ARGUMENTS).values) == repr(values)


@pytest.mark.parametrize(
    ("axis", "value", "option"),
    [
        (Axis("hidden", False), 100, ("--tla", "hidden=100")),
        (Axis("preset", False), "common", ("--tla-str", "preset=common")),
        (Axis("preset", False), [1, "a"], ("--tla", 'preset=[1, "a"]')),
        (Axis("a.b", True), "direct", ("-o", "a.b=direct")),
        (Axis("a.b", True), "13", ("-o", 'a.b="13"')),
        (Axis("a.b", True), None, ("-o", "a.b=null")),
    ],
)
def test_an_option_gives_the_value_again(axis, value, option):
    assert axis.option(value) == option
    assert axis.option(value)[0] == "--tla-str" or parse_value(option[1].partition("=")[2], "-o") == value


def test_an_argument_comes_before_a_setting_of_that_name():
    assert find_axis("hidden", ARGUMENTS, "--grid") == Axis("hidden", is_setting=False)
    assert find_axis("model.dropout", ARGUMENTS, "--grid") == Axis("model.dropout", is_setting=True)
    assert find_axis("drop_test_texts", ARGUMENTS, "--grid") == Axis("drop_test_texts", is_setting=True)
    assert find_axis("drop_test_texts", ["drop_test_texts"], "--grid").is_setting is False


@pytest.mark.parametrize(
    ("parse", "given", "says"),
    [
        (parse_grid, "hiden=1", "no such argument; did you mean 'hidden'? (its arguments: hidden, l2, preset)"),
        (parse_grid, "size=1", "no such argument (its arguments: hidden, l2, preset)"),
        (parse_grid, "hidden", "write it as --grid NAME=VALUE"),
        (parse_grid, "hidden=1,,2", "a value is missing"),
        (parse_grid, "hidden=1,2,1", "1 is given twice"),
        (parse_range, "l2=1", "--range l2=LOW:HIGH"),
        (parse_range, "l2=a:b", "--range l2=LOW:HIGH"),
        (parse_range, "l2=1:2:3", "--range l2=LOW:HIGH"),
        (parse_range, "l2=1:2:log:log", "--range l2=LOW:HIGH"),
        (parse_range, "l2=1:Infinity", "--range l2=LOW:HIGH"),
        (parse_range, "l2=2:1", "below the high one"),
        (parse_range, "l2=0:1:log", "above 0"),
    ],
)
def test_mistakes_are_told(parse, given, says):
    with pytest.raises(ConfigError) as error:
        parse(given, ARGUMENTS)
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_file_without_arguments_has_only_settings():
    with pytest.raises(ConfigError, match="takes no arguments; give a setting"):
        parse_grid("hidden=1", [])


def test_a_range_of_whole_numbers_has_none_between():
    assert parse_range("hidden=50:400:log", ARGUMENTS).is_whole
    assert not parse_range("l2=1e-5:1", ARGUMENTS).is_whole
    assert parse_range("l2=1e-5:1:log", ARGUMENTS).log and not parse_range("l2=-1:1", ARGUMENTS).log


@pytest.mark.parametrize(
    ("given", "seeds"), [("1", (13,)), ("3", (13, 14, 15)), ("5,3", (5, 3)), ("7,", (7,)), ("0,1", (0, 1))]
)
def test_seeds_are_counted_or_named(given, seeds):
    assert parse_seeds(given, 13) == seeds


@pytest.mark.parametrize("given", ["0", "-1", "a", "1,,2", "1,1", "", ",", "1.5"])
def test_other_seeds_are_refused(given):
    with pytest.raises(ConfigError, match="--seeds"):
        parse_seeds(given, 13)


def test_nothing_is_given_from_two_sides():
    hidden, seed = Axis("hidden", False), Axis("seed", False)
    refuse_repeated([hidden], ["l2"])
    for axes, given, says in [
        ([hidden, hidden], [], "varied twice"),
        ([hidden], ["hidden"], "leave one of them out"),
        ([seed], [], "--seeds"),
        ([hidden], ["seed"], "--seeds"),
    ]:
        with pytest.raises(ConfigError, match=says):
            refuse_repeated(axes, given)
