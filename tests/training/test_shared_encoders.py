"""Processes that share out an encoder come to the numbers of one, and keep a part of the encoder each."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mtlkit.embedders import Embedder
from mtlkit.errors import ComponentError, ConfigError
from mtlkit.kernels.compute import hand_down
from mtlkit.process import fully_sharded, shared_parameters
from mtlkit.process.group import Group
from mtlkit.process.ranks import ONE, ProcessLostError, Ranks
from mtlkit.process.shared_parameters import SharedParameter
from mtlkit.testing import TASKS
from mtlkit.testing.samples import INPUT_DIM
from mtlkit.training import Checkpoints, seed_all
from mtlkit.training.shards import Shards, SharedRows
from tests.training.shared_runs import (  # noqa: F401
    Case,
    check_equal,
    in_processes,
    joined,
    model_of,
    of_all,
    run,
    run_in_processes,
    same_randomness,
)
from tests.training.test_shared_steps import ADVERSARIAL, CRF, POOL, SKIPPED, SPLIT

pytestmark = pytest.mark.timeout(900)  # the first test waits for the runs of all
SHARD = {"shard": "encoders"}
ADAM = {**SHARD, "optimizer": {"type": "adam"}, "epochs": 2}
COSINE = {"type": "gradient_cosine", "pattern": r"^sharing|table"}
CASES = {
    name: replace(case, large=True)
    for name, case in {
        "plain": Case(trainer=SHARD),
        "adam": Case(trainer=ADAM),
        "tables as well": Case(trainer={**ADAM, "shard": "all"}),
        "search": Case(POOL, CRF, {**SHARD, "update_strategy": {"type": "simultaneous_online"}}),
        "paths": Case(POOL, CRF, {**ADAM, "accumulate": 2, "update_strategy": {"type": "accumulated"}}),
        "adversarial": Case(ADVERSARIAL, CRF, ADAM),
        "accumulated": Case(ADVERSARIAL, trainer={**ADAM, "accumulate": 3}),
        "clipped": Case(trainer={**SHARD, "gradient_clip": 1e-3}),
        "not clipped": Case(trainer={**SHARD, "gradient_clip": None}),
        "decaying": Case(trainer={**SHARD, "optimizer": {"type": "adamw", "weight_decay": 0.1}}),
        "groups": Case(
            trainer={**SHARD, "optimizer": {"type": "adamw", "groups": [{"pattern": r"encoder\.norm", "lr": 0.1}]}}
        ),
        "one text a batch": Case(trainer={**ADAM, "batch_size": 1}),
        "skipped steps": Case(trainer={**SHARD, **SKIPPED}),
        "frozen layer": Case(trainer={**ADAM, "frozen": [r"layers\.0", "words"]}),
        "frozen encoder": Case(trainer={**ADAM, "frozen": ["encoder"]}),
        "unfrozen": Case(trainer={**ADAM, "unfreeze": [{"pattern": r"layers\.[01]", "after": 1}]}),
        "an encoder for each task": Case(trainer={**ADAM, "accumulate": 2}, by_task=True),
        "recorded": Case(trainer={**ADAM, "records": [{"type": "sharing"}, COSINE]}),
    }.items()
}
REFUSED = {
    "split": (Case(trainer={**SHARD, **SPLIT}, large=True), "trainer.shard: is not possible with on_out_of_memory"),
    "gradients": (
        Case(trainer={**SHARD, "records": [{"type": "gradient_cosine", "pattern": "encoder"}]}, large=True),
        "trainer.records: gradient_cosine compares gradients of embedders.shared.encoder.",
    ),
}
BEGUN = Case(ADVERSARIAL, trainer=ADAM, large=True, stop=9)


@pytest.fixture(scope="module")
def shared() -> list[dict[str, Any]]:
    return run_in_processes({**CASES, "begun": BEGUN, **{name: case for name, (case, _) in REFUSED.items()}})


@pytest.mark.parametrize("name", CASES)
def test_two_processes_come_to_the_numbers_of_one(name: str, shared: list[dict[str, Any]]) -> None:
    results = of_all(name, shared)
    expected = run(CASES[name])
    check_equal(results[0], expected)
    assert [each["recorded"] for each in results[0].epochs] == [each["recorded"] for each in expected.epochs]
    first, second = (result.bytes_kept for result in results)
    assert first + second == expected.bytes_kept and 0 <= first - second <= expected.bytes_kept / 5, "half of the rows"


def test_three_processes_come_to_the_numbers_of_one() -> None:
    names = ("adversarial", "search")
    results = run_in_processes({name: CASES[name] for name in names}, number=3)
    for name in names:
        check_equal(results[0][name], run(CASES[name]))


def test_a_run_goes_on_with_another_number_of_processes(shared: list[dict[str, Any]]) -> None:
    """From two to one and to two again; also where nothing is shared out any more."""
    whole, begun = run(replace(BEGUN, stop=None)), deepcopy(shared[0]["begun"])
    assert any(place.endswith(".exp_avg") for place in begun.rows)
    one = run(replace(BEGUN, trainer={**ADAM, "shard": "none"}), begin=deepcopy(begun))
    check_equal(joined(begun, one), whole)
    two = run_in_processes({"rest": (BEGUN, begun), "plain": (BEGUN, run(BEGUN))})[0]
    for name, result in two.items():
        assert not isinstance(result, Exception), name
        check_equal(joined(begun, result), whole)


def test_files_are_those_of_one_process(tmp_path: Path) -> None:
    """Byte by byte, all weights and those of one task; what the optimizer keeps of rows is in a file beside them."""
    assert in_processes(_save_and_load, str(tmp_path / "three"), number=3) == [True] * 3
    _save(tmp_path / "one", ONE)
    for name in ("step-00000007/model.safetensors", "best-mean.safetensors"):
        assert (tmp_path / "three" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    memory = load_file(tmp_path / "three" / "step-00000007" / "tables.safetensors")
    weights = load_file(tmp_path / "one" / "best-mean.safetensors")
    assert len(memory) == 12
    for name, found in memory.items():
        torch.testing.assert_close(found, 2 * weights[name], rtol=0, atol=0)


def _save_and_load(group: Group, folder: str) -> bool:
    """Returns whether this process has its own rows again after its checkpoint was loaded."""
    shared_parameters.PIECE = 16  # so that a parameter is more than one piece
    kept = _save(Path(folder), group)
    before = [each.own.detach().clone() for each in kept]
    model = _shared_model(group)
    again = _unique(model)
    for each in again:
        each.own.data.zero_()
    Checkpoints(Path(folder), ranks=group).load(model, torch.device("cpu"))
    return all(each.own.equal(other) for each, other in zip(again, before, strict=True))


def _save(folder: Path, ranks: Ranks) -> list[SharedParameter]:
    model = _shared_model(ranks)
    found = shared_parameters.shared_parameters(model)
    rows = {name: SharedRows(each, 2 * each.whole) for name, each in found.items()}
    checkpoints = Checkpoints(folder, ranks=ranks)
    checkpoints.save_best("mean", model, TASKS[:1])
    checkpoints.save(7, model, {"epoch": 3}, rows)
    return _unique(model)


def _shared_model(ranks: Ranks) -> Any:
    seed_all(3)
    model = model_of(CASES["plain"])
    hand_down(model, replace(model.compute, ranks=ranks))
    Shards.of(model, "encoders")
    return model


def test_an_exchange_that_fails_tells_that_a_process_is_lost() -> None:
    assert in_processes(_lose) == [["forward: closed by peer", "backward: closed by peer"]] * 2


def _lose(group: Group) -> list[str]:
    encoder = _shared_model(group).embedders["shared"].encoder
    states, told = encoder(torch.zeros(1, 1, INPUT_DIM)), []

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("closed by peer")

    fully_sharded.REDUCE_SCATTER, gather = fail, fully_sharded.ALL_GATHER
    try:
        states.sum().backward()
    except ProcessLostError as error:
        told.insert(0, f"backward: {error}")
    encoder = _shared_model(group).embedders["shared"].encoder
    fully_sharded.ALL_GATHER = fail
    try:
        encoder(torch.zeros(1, 1, INPUT_DIM))
    except ProcessLostError as error:
        told.insert(0, f"forward: {error}")
    fully_sharded.ALL_GATHER = gather
    return told


def _unique(model: nn.Module) -> list[SharedParameter]:
    return list({id(each): each for each in shared_parameters.shared_parameters(model).values()}.values())


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shared_out_is_refused_before_the_first_step(name: str, shared: list[dict[str, Any]]) -> None:
    case, told = REFUSED[name]
    for each in shared:
        assert isinstance(each[name], ConfigError) and str(each[name]).startswith(told)
    run(case)  # in one process


def test_a_model_without_encoders_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'encoders' finds no pretrained encoder that is trained in the model"):
        run(Case(trainer=SHARD))
    run(Case(trainer={"shard": "all"}))  # which has a table of words


def test_an_encoder_that_is_also_something_else_is_refused() -> None:
    model = model_of(CASES["plain"])
    model.output = nn.Linear(2, 2)
    model.output.weight = model.embedders["shared"].encoder.layers[1].map.weight
    with pytest.raises(ConfigError, match=r"encoder.layers.1.map.weight is a weight of another part as well"):
        Shards.of(model, "encoders")


def test_the_last_large_part_must_contain_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(CASES["plain"])
    embedder = model.embedders["shared"]
    parts = list(embedder.large_parts())[::-1]
    monkeypatch.setattr(type(embedder), "large_parts", lambda self: parts)
    with pytest.raises(ComponentError, match=r"^LargeEmbedder.large_parts: the last part must contain all others$"):
        Shards.of(model, "encoders")


def test_an_embedder_may_rule_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Embedder) -> None:
        raise ConfigError("some_setting: does not fit; leave it out")

    model = model_of(CASES["plain"])
    monkeypatch.setattr(type(model.embedders["shared"]), "large_parts", refuse)
    with pytest.raises(ConfigError, match=r"^trainer.shard: 'encoders' is not possible .* some_setting: does not fit"):
        Shards.of(model, "encoders")
