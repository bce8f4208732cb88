"""`check_component`: checks that one component keeps all promises of its interface."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from pydantic import ConfigDict, create_model

from mtlkit.config import Component, Lazy, Spec, json_schema, validate
from mtlkit.data import DatasetReader, Tokenizer
from mtlkit.embedders import Embedder
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.heads import Head
from mtlkit.initializers import Initializer
from mtlkit.metrics import Metric
from mtlkit.plugins import failures, load_plugins
from mtlkit.sharing import SharingScheme
from mtlkit.sharing.communicators import Communicator
from mtlkit.sharing.readers import Reader
from mtlkit.sharing.selectors import PoolSelector
from mtlkit.testing.data import check_dataset_reader, check_metric, check_tokenizer
from mtlkit.testing.heads import check_head
from mtlkit.testing.initializers import check_initializer
from mtlkit.testing.messages import check_communicator, check_reader
from mtlkit.testing.networks import check_embedder, check_encoder, check_sharing_scheme
from mtlkit.testing.own_files import check_own_files
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.selectors import check_pool_selector
from mtlkit.testing.training import (
    check_logger,
    check_model_selection,
    check_optimizer,
    check_path_derivation,
    check_record,
    check_schedule,
    check_task_sampler,
    check_update_strategy,
)
from mtlkit.training import (
    Logger,
    ModelSelection,
    Optimizer,
    PathDerivation,
    Record,
    Schedule,
    TaskSampler,
    UpdateStrategy,
)

CHECKS: Mapping[type[Component], Callable[[Any], None]] = {
    Communicator: check_communicator,
    DatasetReader: check_dataset_reader,
    Embedder: check_embedder,
    Encoder: check_encoder,
    Head: check_head,
    Initializer: check_initializer,
    Logger: check_logger,
    Metric: check_metric,
    ModelSelection: check_model_selection,
    Optimizer: check_optimizer,
    PathDerivation: check_path_derivation,
    PoolSelector: check_pool_selector,
    Reader: check_reader,
    Record: check_record,
    Schedule: check_schedule,
    SharingScheme: check_sharing_scheme,
    TaskSampler: check_task_sampler,
    Tokenizer: check_tokenizer,
    UpdateStrategy: check_update_strategy,
}
"""How each interface is checked, in addition to what all components promise."""


def check_component(interface: type[Component], settings: Mapping[str, Any]) -> None:
    """Checks that a component keeps its interface's promises. Installed plugins are imported first.

    For every component: its settings validate, are unchanged by a round trip through JSON, agree with the JSON Schema,
    and are each mentioned in the class's docstring. For modules also: shapes; finite and repeatable outputs; a gradient
    for every parameter; independence of padding and of the other texts of a batch; saving and loading of weights;
    double precision; building on the meta device. The extra losses of a sharing scheme may depend on which texts are in
    a batch, but not on their order. A component with files of its own can be rebuilt from the files it saved, and then
    behaves the same. A communicator is checked inside the scheme `message_passing` with
    each built-in reader, and a reader with each built-in communicator.

    Where settings must name tasks or labels, use `TASKS` and `LABELS` of this package.

    Args:
        interface: the interface, such as `mtlkit.Encoder`.
        settings: the settings as in an experiment, `{"type": name, ...}`.

    Raises:
        AssertionError: the first promise that is not kept, in one sentence.
    """
    promise(interface in CHECKS, f"{interface.__name__} is none of the interfaces that can be checked: {_names()}")
    lazy = _validated(interface, settings)
    try:
        _check_documentation(lazy)
        _check_round_trip(interface, lazy)
        _check_schema(interface, settings, lazy)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            CHECKS[interface](lazy)
            if lazy.component.saves_files:
                check_own_files(lazy)
    except AssertionError as error:
        raise AssertionError(f"{interface.__name__} '{lazy.type}': {error}") from error.__cause__


def _names() -> str:
    return ", ".join(interface.__name__ for interface in CHECKS)


@cache
def _plugin_failures() -> list[str]:
    return failures(load_plugins())


def _section(interface: type[Component]) -> type[Spec]:
    """Returns a section of an experiment whose only setting is the component."""
    fields: dict[str, Any] = {interface.kind(): (Lazy[interface], ...)}  # type: ignore[valid-type]  # a value, not a name
    return create_model("Section", __base__=_Undocumented, **fields)


class _Undocumented(Spec):
    """A section without docstrings of settings, for which pydantic would search the sources of all modules."""

    model_config = ConfigDict(use_attribute_docstrings=False)


def _validated(interface: type[Component], settings: Mapping[str, Any]) -> Lazy[Any]:
    plugin_failures = _plugin_failures()
    try:
        section = validate(_section(interface), {interface.kind(): dict(settings)}, "settings")
    except ConfigError as error:
        raise AssertionError("\n".join([str(error), *plugin_failures])) from None
    lazy: Lazy[Any] = getattr(section, interface.kind())
    return lazy


def _check_documentation(lazy: Lazy[Any]) -> None:
    text = lazy.component.__doc__ or ""
    promise(bool(text.strip()), "its class has no docstring, which `mtlkit components` would show")
    names = [name for name in lazy.component.settings.model_fields if name != "type"]
    missing = [name for name in names if not re.search(rf"\b{re.escape(name)}\b", text)]
    promise(not missing, f"its class's docstring says nothing about {', '.join(missing)}")


def _check_round_trip(interface: type[Component], lazy: Lazy[Any]) -> None:
    with doing("when its resolved settings are written as JSON"):
        resolved = json.loads(json.dumps(lazy.to_json()))
    try:
        again = _validated(interface, resolved)
    except AssertionError as error:
        raise AssertionError(f"its own resolved settings {resolved} do not validate: {error}") from None
    promise(again == lazy, f"its settings are others after a way through JSON: {again}, not {lazy}")


def _check_schema(interface: type[Component], settings: Mapping[str, Any], lazy: Lazy[Any]) -> None:
    schema = json_schema(_section(interface))
    name = f"{interface.__name__}.{lazy.type}"
    promise(name in schema["$defs"], f"the JSON Schema has no definition {name}")
    try:
        import jsonschema
    except ImportError:  # it belongs to mtlkit's development tools
        return
    validator = jsonschema.Draft202012Validator(schema)
    for value in (dict(settings), lazy.to_json()):
        errors = [error.message for error in validator.iter_errors({interface.kind(): value})]
        promise(not errors, f"the JSON Schema refuses valid settings: {'; '.join(errors)}")
