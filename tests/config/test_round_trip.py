"""Whatever settings an experiment chooses, the resolved ones say the same and validate to themselves."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.config import Spec, json_schema, validate
from mtlkit.experiment import ModelSettings
from mtlkit.training import TrainerSettings

sizes = st.integers(1, 10**6)
shares = st.floats(0, 1, exclude_max=True)
rates = st.floats(0, 1e6, exclude_min=True)
names = st.text(min_size=1, max_size=5)
Strategy = st.SearchStrategy[dict[str, Any]]


def component(name: str, needed: dict[str, Any] | None = None, **optional: Any) -> Strategy:
    return st.fixed_dictionaries({"type": st.just(name), **(needed or {})}, optional=optional)


def stack(layers: Strategy) -> Strategy:
    return component("stacked", {"layers": st.lists(layers, min_size=1, max_size=3)}, dropout=shares)


def side_by_side(embedders: Strategy) -> Strategy:
    return component("concatenated", {"embedders": st.lists(embedders, min_size=1, max_size=3)})


encoders = st.recursive(
    component("lstm", hidden_dim=sizes)
    | component("bilstm", hidden_dim=sizes)
    | component("cnn", filters=sizes, width=sizes),
    stack,
    max_leaves=5,
)
embedders = st.recursive(
    component(
        "words", dim=sizes, trainable=st.booleans(), dropout=shares, unknown=st.sampled_from(["uniform", "zeros"])
    )
    | component("characters", dim=sizes, filters=sizes, dropout=shares),
    side_by_side,
    max_leaves=4,
)
communicators = component("indirect", attention_dim=st.none() | sizes) | component(
    "direct", edges=st.none() | st.dictionaries(names, st.lists(names)), include_self=st.booleans()
)
schemes = (
    component("private", {"encoder": encoders})
    | component("fully_shared", {"encoder": encoders})
    | component(
        "message_passing",
        {"communicator": communicators},
        hidden_dim=sizes,
        share=st.sampled_from(["shared", "per_task"]),
        bidirectional=st.booleans(),
    )
)
models = st.fixed_dictionaries(
    {"embedder": embedders, "sharing": schemes}, optional={"dropout": shares, "share_embedder": st.booleans()}
)
trainers = st.fixed_dictionaries(
    {},
    optional={
        "epochs": sizes,
        "optimizer": component("adam", lr=rates, beta1=shares) | component("sgd", lr=rates, momentum=shares),
        "schedule": st.none() | component("linear", warmup=st.floats(0, 1)) | component("exponential", decay=rates),
        "task_sampler": component("annealed", anneal=st.floats(0, 1)) | component("uniform"),
        "selection": component("weighted", {"weights": st.dictionaries(names, st.floats(0, 10))}) | component("mean"),
        "gradient_clip": st.none() | rates,
        "precision": st.sampled_from(["fp32", "bf16"]),
        "loggers": st.lists(component("tensorboard", every=sizes), max_size=2),
    },
)

MODEL_SCHEMA = jsonschema.Draft202012Validator(json_schema(ModelSettings))
TRAINER_SCHEMA = jsonschema.Draft202012Validator(json_schema(TrainerSettings))


def check(section: type[Spec], value: dict[str, Any], is_valid: Callable[[Any], bool]) -> None:
    found = validate(section, value, "file")
    resolved = json.loads(json.dumps(found.model_dump(mode="json")))
    assert validate(section, resolved, "file") == found
    assert validate(section, resolved, "file").model_dump(mode="json") == resolved
    assert is_part_of(value, resolved)
    assert is_valid(value)
    assert is_valid(resolved)


def is_part_of(part: Any, whole: Any) -> bool:
    """Whether all that `part` says stands in `whole`."""
    if isinstance(part, dict):
        return all(key in whole and is_part_of(item, whole[key]) for key, item in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(is_part_of, part, whole))
    return bool(part == whole)


@given(models)
def test_models(value: dict[str, Any]) -> None:
    check(ModelSettings, value, MODEL_SCHEMA.is_valid)


@given(trainers)
def test_trainers(value: dict[str, Any]) -> None:
    check(TrainerSettings, value, TRAINER_SCHEMA.is_valid)
