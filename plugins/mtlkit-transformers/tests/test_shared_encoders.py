"""Processes that share out a tuned encoder (`trainer.shard: 'encoders'`) come to the numbers of one."""

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from mtlkit_transformers import BottleneckAdapter, TransformerEmbedder
from mtlkit_transformers.configuration import KINDS
from mtlkit_transformers.encoder import input_vectors, stack_of
from safetensors.torch import load_file
from torch import nn

from mtlkit.config import Lazy
from mtlkit.embedders import Embedder
from mtlkit.errors import ConfigError
from mtlkit.process.children import child_environment
from mtlkit.process.group import Group
from mtlkit.process.shared_parameters import shared_parameters
from mtlkit.testing import TASKS
from tests.training.shared_runs import (  # noqa: F401
    Case,
    check_equal,
    in_processes,
    joined,
    of_all,
    run_in_processes,
    same_randomness,
)
from tests.training.shared_runs import run as trained

from .conftest import INCLUDED, Ended
from .test_adapters import IDS_RP, MASK_RP, made, states_of

pytestmark = pytest.mark.timeout(900)  # the first test waits for the runs of all
BEST = "checkpoints/best-model.safetensors"
SHARING = {"type": "fully_shared", "encoder": {"type": "pass_through"}}
TRAINER = {"shard": "encoders", "epochs": 2, "optimizer": {"type": "adamw", "lr": 1e-3}}
EMBEDDERS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {"encoder": "byte_pairs"},
    "layers computed twice": {"gradient_checkpointing": True},
    "mixture of layers": {"layers": "mix"},
    "lower layer": {"layers": 2},
    "windows": {"window": 5, "overlap": 1},
}
TRAINERS = {
    "accumulated": {"accumulate": 2},
    "frozen layers": {"frozen": [r"encoder\.layer\.0\.", r"encoder\.embeddings"]},
    "unfrozen": {"unfreeze": [{"pattern": r"encoder\.layer\.[01]\.", "after": 1}]},
}


@pytest.fixture(scope="module")
def cases(encoders: dict[str, Path]) -> dict[str, Case]:
    plain = Case(SHARING, trainer=TRAINER, embedder=partial(embedder_of, encoders, {}))
    found = {name: replace(plain, embedder=partial(embedder_of, encoders, own)) for name, own in EMBEDDERS.items()}
    return {**found, **{name: replace(plain, trainer={**TRAINER, **own}) for name, own in TRAINERS.items()}}


def embedder_of(encoders: dict[str, Path], settings: dict[str, Any]) -> Embedder:
    """A tuned encoder without dropout, of which each process draws its own."""
    settings = dict(settings)
    folder = str(encoders[settings.pop("encoder", "word_pieces")])
    embedder = TransformerEmbedder(folder, **settings, fresh=True, files=None, tasks=list(TASKS))
    for part in embedder.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return embedder


@pytest.fixture(scope="module")
def shared(cases: dict[str, Case]) -> list[dict[str, Any]]:
    return run_in_processes({**cases, "begun": replace(cases["bert"], stop=5)})


@pytest.mark.parametrize("name", [*EMBEDDERS, *TRAINERS])
def test_two_processes_come_to_the_numbers_of_one(
    name: str, cases: dict[str, Case], shared: list[dict[str, Any]]
) -> None:
    results = of_all(name, shared)
    expected = trained(cases[name])
    check_equal(results[0], expected)
    first, second = (result.bytes_kept for result in results)
    assert first + second == expected.bytes_kept and abs(first - second) <= expected.bytes_kept / 50, "half of the rows"


def test_a_run_goes_on_with_another_number_of_processes(cases: dict[str, Case], shared: list[dict[str, Any]]) -> None:
    whole, case, begun = trained(cases["bert"]), replace(cases["bert"], stop=5), shared[0]["begun"]
    one = trained(case, begin=deepcopy(begun))  # whose optimizer goes on in the tensors that it is given
    (two,) = run_in_processes({"rest": (case, begun)})[0].values()
    for rest in (one, two):
        check_equal(joined(begun, rest), whole)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"dataset_embeddings": True}, "'encoders' is not possible with this embedder: dataset_embeddings: reads"),
        ({"trainable": False}, "'encoders' finds no pretrained encoder that is trained"),
        ({"trainable": False, "adapters": Lazy.of(BottleneckAdapter)}, "finds no pretrained encoder that is trained"),
    ],
    ids=["dataset embeddings", "frozen", "adapters"],
)
def test_what_cannot_be_shared_out_is_refused(
    settings: dict[str, Any], told: str, cases: dict[str, Case], encoders: dict[str, Path]
) -> None:
    case = replace(cases["bert"], embedder=partial(embedder_of, encoders, settings))
    with pytest.raises(ConfigError, match=told):
        trained(case)
    trained(replace(case, trainer={**TRAINER, "shard": "none"}))


def test_two_processes_leave_an_archive_as_one_does(
    encoders: dict[str, Path], experiment_of: Callable[..., dict[str, Any]], run: Callable[..., Ended], tmp_path: Path
) -> None:
    """From the command line: weights of the same names, shapes and types, with which the archive gives its scores."""
    (tmp_path / "experiment.json").write_text(json.dumps(experiment_of(encoders["word_pieces"])), "utf-8")
    arguments = ["train", "experiment.json", "-o", "trainer.shard=encoders", *INCLUDED]
    environment = child_environment() | {"GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-m", "mtlkit", *arguments, "-s", "two", "--processes", "2"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert run(*arguments, "-s", "one").returncode == 0
    forms = [
        {name: (each.shape, each.dtype) for name, each in load_file(tmp_path / name / BEST).items()}
        for name in ("one", "two")
    ]
    assert forms[0] == forms[1]
    assert run("evaluate", "two", "--output", "scores.json").returncode == 0
    found, kept = (json.loads((tmp_path / name).read_text("utf-8")) for name in ("scores.json", "two/metrics.json"))
    assert found == kept["test"]


@pytest.fixture(scope="module")
def of_each_kind() -> list[dict[str, str]]:
    return in_processes(differences, sorted(KINDS))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_encoder_can_be_shared_out(kind: str, of_each_kind: list[dict[str, str]]) -> None:
    assert [each[kind] for each in of_each_kind] == ["", ""]


def differences(group: Group, kinds: list[str]) -> dict[str, str]:
    """What differs between an encoder of each kind that processes share out, and one that a process has for itself."""
    return {kind: _difference(group, kind) for kind in kinds}


def _difference(group: Group, kind: str) -> str:
    shared, whole = (made(kind)[0].requires_grad_(True) for _ in range(2))
    group.share_out([input_vectors(shared), *stack_of(shared, shared.config.num_hidden_layers), shared])
    rows = slice(group.rank, None, group.size)
    for _ in range(2):
        states_of(shared, IDS_RP[rows], MASK_RP[rows]).square().sum().backward()
        states_of(whole, IDS_RP, MASK_RP).square().sum().backward()
    names = shared_parameters(shared)
    for name, parameter in whole.named_parameters():
        kept = names[name]
        found, expected = kept.in_model.grad, parameter.grad
        if (found is None) != (expected is None):
            return f"{name}: has a gradient in one of them"
        if found is not None and not torch.allclose(found.to_local(), kept.own_rows(expected), rtol=1e-9, atol=1e-12):
            return f"{name}: has another gradient"
    return ""
