"""The JSON Schema is one, and says what validation says."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

import mtlkit
from mtlkit.config import Lazy, Spec, interfaces, json_schema, validate
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment

LSTM = {"type": "lstm", "hidden_dim": 3}
TASK = {"reader": {"type": "jsonl"}, "train": "x", "head": {"type": "classifier"}}
MODEL = {"embedder": {"type": "words"}, "sharing": {"type": "private", "encoder": LSTM}}
GOOD = {"tasks": {"a": TASK}, "model": MODEL}


def with_model(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "model": {**MODEL, **changes}}


def with_task(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "tasks": {"a": {**TASK, **changes}}}


def stacked(*layers: Any) -> dict[str, Any]:
    return {"type": "fully_shared", "encoder": {"type": "stacked", "layers": list(layers)}}


SAMPLES = [
    (True, GOOD),
    (True, with_model(sharing=stacked(LSTM, stacked(LSTM)["encoder"]))),
    (True, with_task(metrics=[{"type": "accuracy"}], dev=None, max_length=3)),
    (True, {**GOOD, "trainer": {"schedule": {"type": "linear"}, "loggers": [{"type": "tensorboard"}]}}),
    (True, with_task(reader={"type": "columns", "tags": 1, "words": "FORM"})),
    (True, {**GOOD, "trainer": {"selection": {"type": "weighted", "weights": {"a": 1}}}}),
    (False, {}),
    (False, {"tasks": {"a": TASK}}),
    (False, {**GOOD, "tasks": {}}),
    (False, {**GOOD, "sede": 3}),
    (False, {**GOOD, "seed": "13"}),
    (False, {**GOOD, "seed": True}),
    (False, with_model(dropout=1)),
    (False, with_model(dropout=-0.1)),
    (False, with_model(embedder={"type": "wrods"})),
    (False, with_model(embedder="words")),
    (False, with_model(embedder={"dim": 3})),
    (False, with_model(embedder={"type": "words", "unknown": "ones"})),
    (False, with_model(sharing=stacked())),
    (False, with_model(sharing=stacked({"type": "lstm", "hidden_dim": 0}))),
    (False, with_model(sharing=stacked({"type": "lstm", "hidden": 3}))),
    (False, with_model(sharing=LSTM)),
    (False, with_task(head=None)),
    (False, with_task(metrics={"type": "accuracy"})),
    (False, with_task(reader={"type": "columns"})),
]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(Experiment)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        yield from part.get("discriminator", {}).get("mapping", {}).values()
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else []:
        yield from references(child)


def test_it_is_a_json_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(("good", "value"), SAMPLES)
def test_it_agrees_with_validation(schema: dict[str, Any], good: bool, value: Any) -> None:
    try:
        validate(Experiment, value, "f")
        valid = True
    except ConfigError:
        valid = False
    assert valid == good
    assert jsonschema.Draft202012Validator(schema).is_valid(value) == good


def test_a_resolved_experiment_fits(schema: dict[str, Any]) -> None:
    for good, value in SAMPLES:
        if good:
            jsonschema.Draft202012Validator(schema).validate(validate(Experiment, value, "f").to_json())


def test_every_component_is_told_apart_by_its_type(schema: dict[str, Any]) -> None:
    for interface in interfaces().values():
        definition = schema["$defs"][interface.__name__]
        names = interface.list_available()
        assert list(definition["discriminator"]["mapping"]) == names
        assert len(definition["oneOf"]) == len(names)
        for name in names:
            part = schema["$defs"][f"{interface.__name__}.{name}"]
            assert part["properties"]["type"]["const"] == name
            assert "type" in part["required"]
            assert part["additionalProperties"] is False


def test_definitions_have_plain_keys_and_all_references_lead_somewhere(schema: dict[str, Any]) -> None:
    assert all(key.replace(".", "").replace("_", "").isalnum() for key in schema["$defs"])
    assert list(schema["$defs"]) == sorted(schema["$defs"])
    found = set(references(schema))
    assert found
    assert {reference.removeprefix("#/$defs/") for reference in found} <= set(schema["$defs"])


def test_defaults_are_written_out(schema: dict[str, Any]) -> None:
    assert schema["$defs"]["TrainerSettings"]["properties"]["optimizer"]["default"]["type"] == "adam"
    assert schema["$defs"]["Encoder.lstm"]["properties"]["hidden_dim"]["default"] == 100


def test_a_late_registration_is_in_it(registry: None) -> None:
    @mtlkit.Encoder.register("late")
    class Late(mtlkit.Encoder):
        """Late."""

        def __init__(self, size: mtlkit.PositiveInt) -> None: ...

        def forward(self, states_BTE: Any, mask_BT: Any) -> Any: ...

    schema = json_schema(Experiment)
    checker = jsonschema.Draft202012Validator(schema)
    assert checker.is_valid(with_model(sharing=stacked({"type": "late", "size": 1})))
    assert not checker.is_valid(with_model(sharing=stacked({"type": "late", "size": 0})))


def test_sections_of_the_same_name_are_kept_apart(registry: None) -> None:
    """Two plugins may each have a class `Options`."""
    one = type("Options", (Spec,), {"__annotations__": {"a": int}, "__module__": "one"})
    two = type("Options", (Spec,), {"__annotations__": {"b": int}, "__module__": "two"})
    methods = dict.fromkeys(["update", "compute"], lambda self: None)
    for options in (one, two):

        def constructor(self: Any, options: Any) -> None: ...

        constructor.__annotations__["options"] = options
        plugin = type(
            "Plugin", (mtlkit.Metric,), {**methods, "__init__": constructor, "__module__": options.__module__}
        )
        mtlkit.Metric.register(options.__module__)(plugin)
    section = type("Section", (Spec,), {"__annotations__": {"metric": Lazy[mtlkit.Metric]}})
    checker = jsonschema.Draft202012Validator(json_schema(section))
    assert checker.is_valid({"metric": {"type": "one", "options": {"a": 1}}})
    assert checker.is_valid({"metric": {"type": "two", "options": {"b": 1}}})
    assert not checker.is_valid({"metric": {"type": "one", "options": {"b": 1}}})
