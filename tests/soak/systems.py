"""Small experiments that between them have every sharing scheme, update strategy and kind of stages."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TASKS = ("books", "films")
WORDS = ["the", "a", "film", "book", "plot", "cast", "was", "seemed", "rather", "very", "quite", "of", "with", "and"]
MOODS = {"positive": ["fine", "warm", "bright"], "negative": ["dull", "cold", "bleak"]}
SIZES = {"train": 24, "dev": 8, "test": 8}
LSTM = {"type": "lstm", "hidden_dim": 4}
BILSTM = {"type": "bilstm", "hidden_dim": 4}
CNN = {"type": "cnn", "filters": 8}
TRANSFORMER = {"type": "transformer_layer", "heads": 2, "dropout": 0.2}
"""Like `CNN` and `BILSTM`, its states are of the size of what the embedder makes."""
POOL = {"type": "pool", "module": BILSTM, "num_modules": 3, "max_length": 2}


def pool(**settings: Any) -> dict[str, Any]:
    """Modules that tasks find paths through."""
    return {**POOL, **settings}


def message_passing(communicator: str, **settings: Any) -> dict[str, Any]:
    """Networks that send each other messages."""
    size = {} if "reader" in settings else {"hidden_dim": 4}
    return {"type": "message_passing", **size, "communicator": {"type": communicator}, **settings}


SHARING: dict[str, dict[str, Any]] = {
    "private": {"type": "private", "encoder": {"type": "stacked", "layers": [BILSTM, LSTM], "dropout": 0.2}},
    "private_cnn": {"type": "private", "encoder": {"type": "cnn", "filters": 4}},
    "fully_shared": {"type": "fully_shared", "encoder": LSTM},
    "stacked_shared_private": {"type": "stacked_shared_private", "encoder": BILSTM},
    "parallel_shared_private": {"type": "parallel_shared_private", "encoder": BILSTM},
    "adversarial_shared_private": {"type": "adversarial_shared_private", "encoder": LSTM},
    "cross_stitch": {"type": "cross_stitch", "encoder": LSTM},
    "hierarchical": {"type": "hierarchical", "layers": [LSTM, LSTM], "depths": {"books": 1, "films": 2}},
    "direct": message_passing("direct", bidirectional=True),
    "indirect": message_passing("indirect"),
    "direct_layers": message_passing("direct", reader={"type": "layer", "layer": BILSTM}),
    "indirect_layers": message_passing("indirect", reader={"type": "layer", "layer": TRANSFORMER}, speaker=CNN),
    "pool_fixed": pool(selector={"type": "fixed", "paths": {"books": [0], "films": [2, 1]}}),
    "pool_random": pool(selector={"type": "random"}),
    "pool_accumulated": pool(),
    "pool_alternating": pool(),
    "pool_simultaneous": pool(selector={"type": "uniform_then_greedy", "uniform_draws": 4}),
}
"""By the system's name; `trainer_of` has what a system's trainer says beside."""

TRAINERS: dict[str, dict[str, Any]] = {
    "private": {"selection": {"type": "per_task"}, "schedule": {"type": "cosine"}},
    "private_cnn": {"optimizer": {"type": "sgd", "lr": 0.1, "momentum": 0.9}, "task_sampler": {"type": "annealed"}},
    "fully_shared": {"optimizer": {"type": "adadelta"}, "task_sampler": {"type": "proportional"}, "accumulate": 2},
    "adversarial_shared_private": {"records": [{"type": "sharing", "texts": 3}, {"type": "gradient_cosine"}]},
    "cross_stitch": {"task_sampler": {"type": "uniform"}, "schedule": {"type": "linear"}},
    "hierarchical": {"batch_tokens": 40, "patience": 1, "optimizer": {"type": "adamw", "lr": 0.01}},
    "direct": {"selection": {"type": "weighted", "weights": {"books": 1, "films": 2}}, "kernels": "pure"},
    "indirect": {"kernels": "plain", "test_every_epoch": True, "precision": "bf16"},
    "pool_fixed": {"records": []},
    "pool_accumulated": {"update_strategy": {"type": "accumulated", "num_samples": 2, "reward_on": "dev"}},
    "pool_alternating": {
        "update_strategy": {"type": "alternating", "module_steps": 2, "search_rounds": 2, "num_samples": 2}
    },
    "pool_simultaneous": {
        "update_strategy": {"type": "simultaneous_online", "num_samples": 2, "tau": None, "baseline": "ema"}
    },
}


def write_systems(folder: Path) -> dict[str, Path]:
    """Writes texts and an experiment file for each system below `folder`; the files by the systems' names."""
    tasks = {name: _task(folder, name, seed) for seed, name in enumerate(TASKS)}
    model = {"embedder": _embedder(), "dropout": 0.2}
    experiments = {
        name: {"tasks": tasks, "model": {**model, "sharing": sharing}, "trainer": trainer_of(name)}
        for name, sharing in SHARING.items()
    }
    experiments["stages_search"] = {"tasks": tasks, "model": {**model, "sharing": pool()}, "stages": _search_stages()}
    handed_over = {**model, "sharing": message_passing("indirect")}
    experiments["stages_transfer"] = {"tasks": tasks, "model": handed_over, "stages": _transfer_stages()}
    files = {name: folder / f"{name}.json" for name in experiments}
    for name, file in files.items():
        file.write_text(json.dumps(experiments[name]))
    return files


COSINES = [{"type": "gradient_cosine"}]


def trainer_of(system: str) -> dict[str, Any]:
    """A trainer whose run has some dozens of checkpoints."""
    usual = {"epochs": 3, "batch_size": 4, "optimizer": {"type": "adam", "lr": 0.02}, "checkpoint_every": 3}
    return {**usual, **TRAINERS.get(system, {})}


def _search_stages() -> list[dict[str, Any]]:
    """A search, and then heads and modules alone along the paths that it has found."""
    tune = {"frozen": ["^embedders"], "selection": {"type": "per_task"}, "epochs": 2}
    return [
        {"name": "search", "trainer": {**trainer_of("pool_simultaneous"), "epochs": 2, "records": COSINES}},
        {
            "name": "tune",
            "derive": {"type": "best_of_samples", "num_samples": 3},
            "trainer": {**trainer_of(""), **tune},
        },
    ]


def _transfer_stages() -> list[dict[str, Any]]:
    """A shared LSTM learned from one task, and read, as it is, by the network of the other."""
    shared = r"^sharing\.left_to_right\.shared_lstm\."
    trainer = {**trainer_of(""), "epochs": 2}
    return [
        {"name": "source", "tasks": ["books"], "trainer": trainer},
        {"name": "target", "tasks": ["films"], "keep": [shared], "trainer": {**trainer, "frozen": [shared]}},
    ]


def _embedder() -> Mapping[str, Any]:
    words, characters = {"type": "words", "dim": 4, "dropout": 0.2}, {"type": "characters", "dim": 3, "filters": 4}
    return {"type": "concatenated", "embedders": [words, characters]}


def _task(folder: Path, name: str, seed: int) -> dict[str, Any]:
    files = {split: folder / f"{name}.{split}.tsv" for split in SIZES}
    for number, (split, file) in enumerate(files.items()):
        file.write_text("".join(_lines(SIZES[split], random.Random(10 * seed + number))))
    paths = {split: str(file) for split, file in files.items()}
    return {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, **paths}


def _lines(size: int, generator: random.Random) -> list[str]:
    """Texts whose label is decided by one word among filler."""
    lines = []
    for _ in range(size):
        label = generator.choice(list(MOODS))
        words = [generator.choice(MOODS[label]), *generator.choices(WORDS, k=generator.randint(2, 9))]
        lines.append(f"{label}\t{' '.join(words)}\n")
    return lines
