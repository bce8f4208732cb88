"""Processes that share out the rows of word tables come to the numbers of one, and keep a part of the tables each."""

import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch.multiprocessing import start_processes

from mtlkit.embedders import WordTable, word_table
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import hand_down
from mtlkit.process.group import Group
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.testing import TASKS
from mtlkit.training import Checkpoints, seed_all
from mtlkit.training.shards import Shards, SharedRows
from tests.soak.forked import IMPORTED
from tests.training.shared_runs import (  # noqa: F401
    Case,
    check_equal,
    joined,
    model_of,
    of_all,
    run,
    run_in_processes,
    same_randomness,
)
from tests.training.test_shared_steps import ADVERSARIAL, CRF, POOL, SKIPPED, SPLIT, Alone

pytestmark = pytest.mark.timeout(900)  # the first test waits for the runs of all
LSTM = {"type": "lstm", "hidden_dim": 4}
PASSING = {"type": "message_passing", "hidden_dim": 4}
SHARD = {"shard": "tables"}
ADAM = {**SHARD, "optimizer": {"type": "adam"}, "epochs": 2}
ONLINE = {"update_strategy": {"type": "simultaneous_online"}}
CASES = {
    "fully shared": Case(trainer=ADAM),
    "indirect": Case({**PASSING, "communicator": {"type": "indirect"}}, trainer=SHARD),
    "direct": Case({**PASSING, "communicator": {"type": "direct"}}, trainer=ADAM),
    "search": Case(POOL, CRF, {**SHARD, **ONLINE}),
    "adversarial": Case(ADVERSARIAL, CRF, ADAM),
    "accumulated": Case(ADVERSARIAL, trainer={**ADAM, "accumulate": 3}),
    "clipped": Case(trainer={**SHARD, "gradient_clip": 1e-3}),
    "not clipped": Case(trainer={**SHARD, "gradient_clip": None}),
    "decaying": Case(trainer={**SHARD, "optimizer": {"type": "adamw", "weight_decay": 0.1}}),
    "one text a batch": Case(trainer={**ADAM, "batch_size": 1}),
    "skipped steps": Case(trainer={**SHARD, **SKIPPED}),
    "frozen": Case(trainer={**SHARD, "frozen": ["table"]}),
    "unfrozen": Case(trainer={**ADAM, "unfreeze": [{"pattern": "table", "after": 1}]}),
    "recorded": Case(
        {**PASSING, "communicator": {"type": "indirect"}},
        trainer={**SHARD, "records": [{"type": "sharing"}, {"type": "gradient_cosine"}]},
    ),
    "parameters of some texts only": Case(trainer=ADAM, by_first_word=True),
}
STOPPING = {"joint": Case(ADVERSARIAL, trainer=ADAM, stop=9)}


@pytest.fixture(scope="module")
def shared() -> list[dict[str, Any]]:
    return run_in_processes({**CASES, **{f"stopping {name}": case for name, case in STOPPING.items()}})


@pytest.mark.parametrize("name", CASES)
def test_two_processes_come_to_the_numbers_of_one(name: str, shared: list[dict[str, Any]]) -> None:
    results = of_all(name, shared)
    expected = run(CASES[name])
    check_equal(results[0], expected)
    first, second = (result.num_kept for result in results)
    assert first + second == expected.num_kept and 0 <= first - second <= expected.num_kept / 10, "half of the rows"


def test_three_processes_come_to_the_numbers_of_one() -> None:
    names = ("adversarial", "search")
    results = run_in_processes({name: CASES[name] for name in names}, number=3)
    for name in names:
        check_equal(results[0][name], run(CASES[name]))


@pytest.mark.parametrize("shard", ["tables", "none"])
def test_what_two_processes_began_one_goes_on_with(shard: str, shared: list[dict[str, Any]]) -> None:
    # Another optimizer goes on in the tensors that it is given.
    begun, whole = deepcopy(shared[0]["stopping joint"]), run(replace(STOPPING["joint"], stop=None))
    assert begun.rows and not any("exp_avg" in each for each in begun.state["optimizer"]["state"][0])
    case = replace(STOPPING["joint"], trainer={**ADAM, "shard": shard})
    check_equal(joined(begun, run(case, begin=begun)), whole)


def test_what_one_process_began_two_go_on_with() -> None:
    begun = run(STOPPING["joint"])
    rest = run_in_processes({"joint": (STOPPING["joint"], begun)})[0]["joint"]
    check_equal(joined(begun, rest), run(replace(STOPPING["joint"], stop=None)))


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (Case(trainer={**SHARD, **SPLIT}), "trainer.shard: is not possible with on_out_of_memory: 'split'"),
        (
            Case(trainer={**SHARD, "records": [{"type": "gradient_cosine", "pattern": "^embedders"}]}),
            r"trainer.records: gradient_cosine compares gradients of embedders.shared.table.weight",
        ),
    ],
    ids=["split", "record"],
)
def test_what_cannot_be_sharded_is_refused_before_the_first_step(case: Case, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        run(case, Alone())
    run(case)  # in one process


def test_a_model_without_tables_is_refused() -> None:
    model = model_of(Case())
    model.embedders["shared"].table = torch.nn.Embedding(4, 4)
    with pytest.raises(ConfigError, match=r"trainer.shard: 'tables' finds no table of words in the model"):
        Shards.of(model, "tables")


def test_a_table_that_is_also_something_else_is_refused() -> None:
    model = model_of(Case())
    model.output = torch.nn.Linear(2, 2)
    model.output.weight = model.embedders["shared"].table.weight
    with pytest.raises(ConfigError, match=r"embedders.shared.table.weight is a weight of another part as well"):
        Shards.of(model, "tables")


def test_rows_of_one_process_are_not_taken_for_a_whole_table() -> None:
    """A state without the rows of the others fits neither the process that it is of nor one process."""
    model = model_of(Case())
    hand_down(model, replace(model.compute, ranks=Alone()))
    Shards.of(model, "tables")
    for each in (model, model_of(Case())):
        with pytest.raises(RuntimeError, match=r"size mismatch for embedders.shared.table.weight"):
            each.load_state_dict(model.state_dict())


def test_files_are_those_of_one_process(tmp_path: Path) -> None:
    """Byte by byte, all weights and those of one task; what the optimizer keeps of tables is in a file beside them."""
    get_context("forkserver").set_forkserver_preload(IMPORTED)
    start_processes(_save_in_processes, (3, str(tmp_path)), 3, start_method="forkserver")
    _save(tmp_path / "one", ONE)
    for name in ("step-00000007/model.safetensors", "best-mean.safetensors", "step-00000007/best-mean.safetensors"):
        assert (tmp_path / "three" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    (memory,) = load_file(tmp_path / "three" / "step-00000007" / "tables.safetensors").values()
    whole = load_file(tmp_path / "one" / "best-mean.safetensors")["embedders.shared.table.weight"]
    torch.testing.assert_close(memory, 2 * whole, rtol=0, atol=0)
    restored = model_of(Case())
    state = Checkpoints(tmp_path / "three").load(restored, torch.device("cpu"))
    assert state is not None and state["epoch"] == 3 and state["tables"].keys() == {"0.exp_avg"}
    assert restored.embedders["shared"].table.weight.equal(whole)


def _save_in_processes(rank: int, number: int, folder: str) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    store = dist.FileStore(f"{folder}/store", number)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=number, timeout=timedelta(seconds=800))
    group = Group(dist.PrefixStore("test", store), rank, number, torch.device("cpu"), 800)
    word_table.PIECE = 16  # so that a table is more than one piece
    _save(Path(folder) / "three", group)
    group.finish()
    group.close()
    dist.destroy_process_group()


def _save(folder: Path, ranks: Ranks) -> None:
    seed_all(3)
    model = model_of(Case())
    hand_down(model, replace(model.compute, ranks=ranks))
    Shards.of(model, "tables")
    table = model.embedders["shared"].table
    rows: Mapping[str, SharedRows] = {"0.exp_avg": SharedRows(table, 2 * table.whole)} if ranks.size > 1 else {}
    checkpoints = Checkpoints(folder, ranks=ranks)
    checkpoints.save_best("mean", model, TASKS[:1])
    checkpoints.save(7, model, {"epoch": 3}, rows)


def test_one_process_looks_words_up_as_an_embedding_does() -> None:
    """The lookup of several processes, where there is only one that asks and answers."""
    torch.manual_seed(0)
    table = WordTable(7, 3).double()
    torch.nn.init.normal_(table.weight)
    words = torch.tensor([[3, 0, 3], [6, 1, 0]])
    found, expected = word_table._looked_up(words, table._rows, ONE), table(words)
    assert found.equal(expected)
    ours, theirs = (
        torch.autograd.grad((states * torch.arange(18.0).view(2, 3, 3)).sum(), table.weight)[0]
        for states in (found, expected)
    )
    torch.testing.assert_close(ours, theirs)
