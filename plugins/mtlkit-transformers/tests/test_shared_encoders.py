"""Processes that share out a tuned encoder (`trainer.shard: 'encoders'`) come to the numbers of one."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mtlkit_transformers import TransformerEmbedder
from tests.training.shared_runs import Case, Result, run, run_in_processes
from tests.training.test_shared_steps import check_equal

from mtlkit.config import Lazy
from mtlkit.embedders import Embedder
from mtlkit.errors import ConfigError
from mtlkit.testing import TASKS
from mtlkit.training import random_state
from mtlkit_transformers.adapters import BottleneckAdapter

pytestmark = pytest.mark.timeout(900)  # the first test waits for the runs of all
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


@pytest.fixture(autouse=True)
def same_randomness() -> Any:
    before = random_state.capture()
    yield
    random_state.restore(before)


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
        if type(part).__name__ == "Dropout":
            part.p = 0.0
    return embedder


@pytest.fixture(scope="module")
def shared(cases: dict[str, Case]) -> list[dict[str, Any]]:
    return run_in_processes({**cases, "begun": replace(cases["bert"], stop=5)})


@pytest.mark.parametrize("name", [*EMBEDDERS, *TRAINERS])
def test_two_processes_come_to_the_numbers_of_one(
    name: str, cases: dict[str, Case], shared: list[dict[str, Any]]
) -> None:
    results = [each[name] for each in shared]
    if error := next((result for result in results if isinstance(result, Exception)), None):
        raise error
    expected = run(cases[name])
    check_equal(results[0], expected)
    first, second = (result.bytes_kept for result in results)
    assert first + second == expected.bytes_kept and abs(first - second) <= expected.bytes_kept / 50, "half of the rows"


def test_a_run_goes_on_with_another_number_of_processes(cases: dict[str, Case], shared: list[dict[str, Any]]) -> None:
    whole, case, begun = run(cases["bert"]), replace(cases["bert"], stop=5), shared[0]["begun"]
    one = run(case, begin=deepcopy(begun))  # whose optimizer goes on in the tensors that it is given
    (two,) = run_in_processes({"rest": (case, begun)})[0].values()
    for rest in (one, two):
        joined = Result(begun.losses + rest.losses, begun.epochs + rest.epochs, rest.weights, rest.state)
        check_equal(joined, whole)


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
        run(case)
    run(replace(case, trainer={**TRAINER, "shard": "none"}))


def test_a_run_by_two_processes_leaves_the_archive_of_one(
    encoders: dict[str, Path], experiment_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """The same names, shapes and types of weights, from the command line on."""
