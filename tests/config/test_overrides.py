"""`-o path=value`."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.config import apply_overrides, parse_assignment
from mtlkit.errors import ConfigError

VALUE = {"seed": 13, "model": {"dropout": 0.1, "layers": [{"size": 1}, {"size": 2}]}, "metrics": [1, 2], "none": None}


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        ("seed=7", ["seed"], 7),
        ("model.dropout=0.5", ["model", "dropout"], 0.5),
        ("model.layers.1.size=9", ["model", "layers", 1, "size"], 9),
        ("model.layers.0={}", ["model", "layers", 0], {}),
        ("metrics.1=[3]", ["metrics", 1], [3]),
        ('model={"type": "x"}', ["model"], {"type": "x"}),
        ("metrics=[]", ["metrics"], []),
        ("new=true", ["new"], True),
        ("new.deep.er=null", ["new", "deep", "er"], None),
        ("seed=direct", ["seed"], "direct"),
        ('seed="13"', ["seed"], "13"),
        ("seed=", ["seed"], ""),
        ("seed=a=b", ["seed"], "a=b"),
        ("none=3", ["none"], 3),
    ],
)
def test_one_place_is_replaced(override: str, path: list[Any], expected: Any) -> None:
    changed = apply_overrides(VALUE, [override])
    for key in path[:-1]:
        changed = changed[key]
    assert changed[path[-1]] == expected
    assert type(changed[path[-1]]) is type(expected)


def test_nothing_is_merged_and_the_rest_stays() -> None:
    before = copy.deepcopy(VALUE)
    changed = apply_overrides(VALUE, ["model.layers.0={}", "seed=1"])
    assert changed == {**VALUE, "seed": 1, "model": {"dropout": 0.1, "layers": [{}, {"size": 2}]}}
    assert before == VALUE


def test_later_ones_see_earlier_ones() -> None:
    assert apply_overrides({}, ["a=[{}]", "a.0.b=1", "a.0.b=2"]) == {"a": [{"b": 2}]}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seed", "-o seed: write it as -o NAME=VALUE"),
        ("=3", "-o =3: write it as -o NAME=VALUE"),
        ("metrics.2=1", "-o metrics.2: the list has 2 items, numbered from 0; '2' is none of them"),
        ("metrics.-1=1", "-o metrics.-1: the list has 2 items, numbered from 0; '-1' is none of them"),
        ("metrics.²=1", "-o metrics.²: the list has 2 items, numbered from 0; '²' is none of them"),
        ("model.layers.first.size=1", "-o model.layers.first: the list has 2 items, numbered from 0; 'first' is none"),
        ("seed.x=1", "-o seed.x: there is no such place; its parent is 13, not an object or a list"),
        ("none.x=1", "-o none.x: there is no such place; its parent is null, not an object or a list"),
        ("seed.x.y=1", "-o seed.x: there is no such place; its parent is 13"),
    ],
)
def test_what_leads_nowhere_is_an_error(override: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        apply_overrides(VALUE, [override])
    assert str(error.value).startswith(said)


def test_the_option_is_named() -> None:
    with pytest.raises(ConfigError, match="--var x: write it as --var NAME=VALUE"):
        parse_assignment("x", "--var")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON, st.lists(st.text("abc", min_size=1), min_size=1, max_size=3))
def test_any_json_value_arrives(value: Any, keys: list[str]) -> None:
    found = apply_overrides({}, [f"{'.'.join(keys)}={json.dumps(value)}"])
    for key in keys:
        found = found[key]
    assert found == value
