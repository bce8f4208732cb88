"""`-o path=value`."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.config import Lazy, Spec, apply_overrides, parse_assignment, validate
from mtlkit.data import DatasetReader
from mtlkit.encoders import Encoder, LstmEncoder, StackedEncoder
from mtlkit.errors import ConfigError
from mtlkit.training import TrainerSettings
from mtlkit.training.optimizers import SGD, Adam

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


def trainer(*overrides: str, value: Any = {}) -> TrainerSettings:
    return validate(TrainerSettings, apply_overrides(value, list(overrides)), "f")


def test_a_setting_of_a_default_is_changed() -> None:
    changed = trainer("optimizer.lr=0.01", "optimizer.beta1=0.8").optimizer
    assert changed == Lazy.of(Adam, lr=0.01, beta1=0.8)
    assert trainer("optimizer.type=sgd", "optimizer.lr=0.01").optimizer == Lazy.of(SGD, lr=0.01)
    assert trainer("optimizer.lr=0.01", "optimizer.type=sgd").optimizer == Lazy.of(SGD, lr=0.01)


def test_defaults_are_found_at_any_depth(section_of: Callable[..., type[Spec]]) -> None:
    reader = {"type": "text_classification"}
    outer = section_of(dict[str, section_of(Lazy[DatasetReader])])
    value = apply_overrides({"part": {"x": {"part": reader}}}, ["part.x.part.tokenizer.pattern=a"])
    with pytest.raises(ConfigError, match=r"^f: part\.x\.part\.tokenizer\.pattern: unknown setting"):
        validate(outer, value, "f")


def test_what_the_default_says_itself_stays() -> None:
    class Inner(Spec):
        encoder: Lazy[Encoder] = Lazy.of(StackedEncoder, layers=[Lazy.of(LstmEncoder, hidden_dim=3)], dropout=0.2)
        size: int = 1

    class Outer(Spec):
        inner: Inner = Inner(size=2)

    changed = validate(Outer, apply_overrides({}, ["inner.encoder.dropout=0.5"]), "f").inner
    assert changed.size == 2
    assert changed.encoder == Lazy.of(StackedEncoder, layers=[Lazy.of(LstmEncoder, hidden_dim=3)], dropout=0.5)


@pytest.mark.parametrize(
    ("value", "override", "said"),
    [
        ({}, "optimizer.lrr=1", "optimizer.lrr: unknown setting; did you mean 'lr'?"),
        ({}, "schedule.decay=0.9", "schedule: should be {type: name, ...}, one of: cosine, exponential, linear; "),
        ({}, "optimiser.lr=1", "optimiser: unknown setting; did you mean 'optimizer'?"),
        ({"optimizer": {}}, "optimizer.lr=1", "optimizer: should be {type: name, ...}, one of: "),
        ({}, 'optimizer={"lr": 1}', "optimizer: should be {type: name, ...}, one of: "),
    ],
)
def test_only_a_default_is_changed(value: Any, override: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        trainer(override, value=value)
    assert str(error.value).startswith(f"f: {said}")
    assert ("no default that -o could change" in str(error.value)) == ("schedule" in override)


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
