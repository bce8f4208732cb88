"""One table of all registered components; each keeps its interface's promises."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

import mtlkit
from mtlkit.config import Component, interfaces
from mtlkit.testing import TASKS, check_component
from mtlkit.testing.component import CHECKS
from mtlkit.testing.samples import INPUT_DIM

LSTM = {"type": "lstm", "hidden_dim": 4}
BILSTM = {"type": "bilstm", "hidden_dim": 3}
DEPTHS = dict(zip(TASKS, (1, 2, 2), strict=True))
TRANSFORMER = {"type": "transformer_layer", "heads": 2, "feedforward_dim": 5}
SQUARE = {"type": "bilstm", "hidden_dim": INPUT_DIM // 2}
"""Its states are of the size of its input."""
SOURCES = {TASKS[0]: "web", TASKS[1]: "web"}
"""Data sets that two tasks have in common."""
RING = {receiver: [sender] for receiver, sender in zip(TASKS, (*TASKS[1:], TASKS[0]), strict=True)}

COMPONENTS: dict[type[Component], list[dict[str, Any]]] = {
    mtlkit.Communicator: [
        {"type": "direct"},
        {"type": "direct", "edges": RING, "include_self": True, "attention_dim": 3},
        {"type": "indirect"},
        {"type": "indirect", "attention_dim": 3},
        {"type": "aligned"},
        {"type": "direct", "positions": "all"},
        {"type": "direct", "task_embeddings": True},
    ],
    mtlkit.DatasetReader: [
        {"type": "columns", "tags": 1},
        {"type": "columns", "words": "TOKEN", "tags": "UPOS", "domain": "reviews"},
        {"type": "columns", "words": "TOKEN", "tags": "CHUNK", "types": ["NP", "VP"]},
        {"type": "jsonl"},
        {"type": "jsonl", "words_field": "words", "tags_field": "tags", "tokenizer": {"type": "regex"}},
        {"type": "planted", "rule": "a"},
        {"type": "planted", "rule": "a", "target": "tags", "sample": 1, "seed": 2, "num_words": 5},
        {"type": "text_classification"},
        {"type": "text_classification", "labels": {"0": "negative", "1": "positive"}, "skip_empty": True},
        {"type": "jsonl", "second_field": "hypothesis", "max_words": 3},
        {"type": "text_pairs"},
        {"type": "text_pairs", "label": "gold_label", "first": "sentence1", "second": "sentence2"},
        {"type": "vader", "domain": "tweet", "tokenizer": {"type": "regex"}},
    ],
    mtlkit.Embedder: [
        {"type": "character_gru", "dim": 4, "hidden_dim": 3},
        {"type": "character_gru", "dim": 4, "hidden_dim": 3, "dropout": 0.2},
        {"type": "characters", "dim": 4, "filters": 5},
        {"type": "characters", "dim": 4, "filters": 5, "width": 2, "dropout": 0.2},
        {"type": "concatenated", "embedders": [{"type": "words", "dim": 3}, {"type": "characters", "filters": 2}]},
        {"type": "dataset_embedding", "embedder": {"type": "words", "dim": 3}},
        {"type": "dataset_embedding", "embedder": {"type": "words", "dim": 3}, "dim": None, "datasets": SOURCES},
        {"type": "words", "dim": 4},
        {"type": "words", "dim": 4, "trainable": False, "dropout": 0.5, "unknown": "zeros"},
    ],
    mtlkit.Encoder: [
        {"type": "bilstm", "hidden_dim": 3},
        {"type": "cnn", "filters": 4},
        {"type": "cnn", "filters": 4, "width": 2},
        LSTM,
        {"type": "pass_through"},
        {"type": "stacked", "layers": [{"type": "bilstm", "hidden_dim": 3}, LSTM], "dropout": 0.2},
        {"type": "transformer_layer", "heads": 2},
        {"type": "transformer_layer", "heads": 3, "feedforward_dim": 5, "dropout": 0.2, "positions": "none"},
    ],
    mtlkit.Head: [
        *({"type": "classifier", "pool": pool} for pool in ("last", "mean", "max", "attention")),
        {"type": "classifier", "dropout": 0.2},
        {"type": "crf_tagger"},
        {"type": "crf_tagger", "constrain": False, "dropout": 0.2},
        {"type": "crf_tagger", "scheme": "iobes"},
    ],
    mtlkit.Initializer: [
        {"type": "constant", "value": 1.0},
        {"type": "normal"},
        {"type": "orthogonal"},
        {"type": "uniform", "bound": 0.2},
        {"type": "xavier_uniform", "gain": 2.0},
    ],
    mtlkit.Logger: [{"type": "tensorboard"}],
    mtlkit.Metric: [{"type": "accuracy"}, {"type": "span_f1"}, {"type": "token_accuracy"}],
    mtlkit.ModelSelection: [
        {"type": "mean"},
        {"type": "per_task"},
        {"type": "weighted", "weights": {TASKS[0]: 1, TASKS[2]: 0.5}},
    ],
    mtlkit.Optimizer: [
        {"type": "adadelta"},
        {"type": "adam"},
        {"type": "adamw"},
        {"type": "sgd"},
        {"type": "sgd", "momentum": 0.9},
    ],
    mtlkit.PathDerivation: [{"type": "greedy"}, {"type": "best_of_samples", "num_samples": 3}],
    mtlkit.PoolSelector: [
        {"type": "controller"},
        {"type": "controller", "explore": "structure", "importance": True, "allow_empty": True, "hidden_dim": 6},
        {"type": "controller", "input": "task_concat_action", "importance": True, "allow_repeat": False},
        {"type": "fixed", "paths": {TASKS[0]: [0], TASKS[1]: [2, 2, 1], TASKS[2]: []}},
        {"type": "random"},
        {"type": "random", "allow_empty": True, "allow_repeat": False},
        {"type": "uniform_then_greedy"},
        {"type": "uniform_then_greedy", "uniform_draws": 1, "controller": {"type": "controller", "importance": True}},
    ],
    mtlkit.Reader: [
        {"type": "layer", "layer": BILSTM},
        {"type": "layer", "layer": {"type": "stacked", "layers": [TRANSFORMER, TRANSFORMER]}},
        {"type": "lstm"},
    ],
    mtlkit.Record: [
        {"type": "gradient_cosine"},
        {"type": "gradient_cosine", "pattern": "^embedders", "texts": 2},
        {"type": "sharing"},
        {"type": "sharing", "texts": 1},
    ],
    mtlkit.Schedule: [
        {"type": "cosine"},
        {"type": "cosine", "final": 0.1},
        {"type": "exponential"},
        {"type": "linear"},
        {"type": "linear", "warmup": 0.0},
        {"type": "linear", "warmup": 1.0},
    ],
    mtlkit.SharingScheme: [
        {"type": "adversarial_shared_private", "encoder": LSTM},
        {"type": "adversarial_shared_private", "encoder": LSTM, "difference_norm": "raw", "reversal": 2.0},
        {"type": "adversarial_shared_private", "encoder": LSTM, "private_encoder": BILSTM, "adversarial_weight": 0},
        {"type": "adversarial_shared_private", "encoder": LSTM, "difference_weight": 0},
        {"type": "cross_stitch", "encoder": LSTM},
        {"type": "cross_stitch", "encoder": BILSTM, "layers": 1, "init": "uniform"},
        {"type": "cross_stitch", "encoder": LSTM, "layers": 3},
        {"type": "fully_shared", "encoder": LSTM},
        {"type": "hierarchical", "layers": [LSTM, {"type": "cnn", "filters": 4}], "depths": DEPTHS},
        {"type": "hierarchical", "layers": [BILSTM, LSTM], "depths": dict.fromkeys(TASKS, 2), "dropout": 0.2},
        {"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 4, "detach_senders": True},
        {"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 4, "share": "per_task"},
        {"type": "message_passing", "communicator": {"type": "indirect"}, "hidden_dim": 4, "bidirectional": True},
        {"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 4, "speaker": LSTM},
        {"type": "message_passing", "communicator": {"type": "direct", "positions": "all"}, "hidden_dim": 4},
        {"type": "message_passing", "communicator": {"type": "aligned"}, "hidden_dim": 4},
        {"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 4, "speakers": "shared"},
        {"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 4, "message_dropout": 0.2},
        {"type": "message_passing", "communicator": {"type": "indirect"}, "hidden_dim": 4, "mailbox": "per_task"},
        {"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 4, "gate_bias": -1.0},
        {"type": "message_passing", "communicator": {"type": "aligned"}, "reader": {"type": "layer", "layer": LSTM}},
        {"type": "message_passing", "communicator": {"type": "indirect"}, "hidden_dim": 6, "speaker": BILSTM},
        {"type": "message_passing", "communicator": {"type": "direct"}, "reader": {"type": "layer", "layer": LSTM}},
        {
            "type": "message_passing",
            "communicator": {"type": "indirect"},
            "reader": {"type": "layer", "layer": BILSTM},
            "speaker": TRANSFORMER,
            "bidirectional": True,
        },
        {"type": "parallel_shared_private", "encoder": LSTM},
        {"type": "parallel_shared_private", "encoder": LSTM, "private_encoder": BILSTM},
        {"type": "pool", "module": SQUARE, "num_modules": 3},
        {"type": "pool", "module": SQUARE, "selector": {"type": "random", "allow_empty": True}, "max_length": 2},
        {"type": "private", "encoder": LSTM},
        {"type": "stacked_shared_private", "encoder": LSTM},
        {"type": "stacked_shared_private", "encoder": LSTM, "private_encoder": BILSTM},
    ],
    mtlkit.TaskSampler: [
        {"type": "annealed"},
        {"type": "proportional"},
        {"type": "round_robin"},
        {"type": "uniform"},
    ],
    mtlkit.Tokenizer: [{"type": "regex"}, {"type": "spacy"}, {"type": "whitespace"}],
    mtlkit.UpdateStrategy: [
        *({"type": name} for name in ("accumulated", "joint", "simultaneous_online")),
        *({"type": name, "reward_on": "dev"} for name in ("accumulated", "simultaneous_online")),
        *({"type": name, "reward_time": "before"} for name in ("accumulated", "simultaneous_online")),
        {"type": "alternating", "module_steps": 1, "search_rounds": 2},
        {"type": "alternating", "module_steps": 2, "num_samples": 1, "tau": None, "baseline": "ema", "entropy": 1e-4},
        {"type": "simultaneous_online", "baseline": "mean", "controller_optimizer": {"type": "sgd"}},
    ],
}

OPTIONAL = {"spacy": "spaCy", "tensorboard": "TensorBoard"}
"""Components that need a package of the same name, which mtlkit itself does not need."""


@pytest.mark.parametrize(
    ("interface", "settings"),
    [
        pytest.param(interface, settings, id=f"{interface.kind()}-{settings['type']}-{number}")
        for interface, rows in COMPONENTS.items()
        for number, settings in enumerate(rows)
    ],
)
def test_keeps_its_promises(interface: type[Component], settings: dict[str, Any]) -> None:
    needed = settings["type"]
    if needed in OPTIONAL and importlib.util.find_spec(needed) is None:
        pytest.skip(f"{OPTIONAL[needed]} is not installed")
    check_component(interface, settings)


def test_every_component_of_mtlkit_is_in_the_table() -> None:
    registered = {
        (interface, name)
        for interface in interfaces().values()
        if interface.__module__.startswith("mtlkit.")
        for name in interface.list_available()
        if interface.by_name(name).__module__.startswith("mtlkit.")
    }
    assert registered == {(interface, row["type"]) for interface, rows in COMPONENTS.items() for row in rows}


def test_no_component_is_left_out_of_its_package() -> None:
    """Registration needs import, so a folder's `__init__` imports every file that registers something."""
    root = Path(mtlkit.__file__).parent
    files = [path for path in root.rglob("*.py") if re.search(r"^@\w+\.register\(", path.read_text("utf-8"), re.M)]
    assert len(files) > 30
    for path in files:
        module = ".".join(("mtlkit", *path.relative_to(root).with_suffix("").parts))
        assert f"from {module} import" in path.with_name("__init__.py").read_text("utf-8"), f"{path} is not imported"


def test_every_interface_of_mtlkit_can_be_checked() -> None:
    assert set(CHECKS) == {found for found in interfaces().values() if found.__module__.startswith("mtlkit.")}
