"""Several processes that share every batch come to the numbers of one, for every scheme, head and strategy."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import mtlkit
from mtlkit.config import Lazy
from mtlkit.encoders import LstmEncoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import hand_down
from mtlkit.process.ranks import OneProcess
from mtlkit.sharing import FullyShared, Shared
from mtlkit.testing import TASKS
from mtlkit.testing.samples import INPUT_DIM
from mtlkit.training import UpdateStrategy
from mtlkit.training.shared_steps import check_shareable
from mtlkit.training.update_strategies import Joint, StepResult
from tests.test_contracts import COMPONENTS
from tests.training.shared_runs import (  # noqa: F401
    LSTM,
    Case,
    check_equal,
    joined,
    model_of,
    of_all,
    run,
    run_in_processes,
    same_randomness,
    split_of,
)

pytestmark = pytest.mark.timeout(900)  # the first test waits for the runs of all
POOL = {
    "type": "pool",
    "module": {"type": "bilstm", "hidden_dim": 3},
    "num_modules": 3,
    "max_length": 2,
    "selector": {"type": "controller"},
}
RANDOM_POOL = {**POOL, "selector": {"type": "random"}}
ADVERSARIAL = {"type": "adversarial_shared_private", "encoder": LSTM}
CRF = {"type": "crf_tagger"}
SKIPPED = {"on_nonfinite": "skip", "optimizer": {"type": "sgd", "lr": 1e300}}


def without_dropout(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if not name.endswith("dropout")}


def named(interface: Any) -> dict[str, dict[str, Any]]:
    return {f"{row['type']}-{number}": without_dropout(row) for number, row in enumerate(COMPONENTS[interface])}


def of_search(settings: dict[str, Any]) -> Case:
    joint = settings["type"] == "joint"
    return Case(sharing=RANDOM_POOL if joint else POOL, trainer={"update_strategy": settings})


def of_scheme(settings: dict[str, Any]) -> Case:
    chooses = settings["type"] == "pool" and "selector" not in settings
    return Case(settings, trainer={"update_strategy": {"type": "simultaneous_online"}} if chooses else {})


CASES = {
    **{f"scheme {name}": of_scheme(row) for name, row in named(mtlkit.SharingScheme).items()},
    **{f"head {name}": Case(head=row) for name, row in named(mtlkit.Head).items()},
    **{f"strategy {name}": of_search(row) for name, row in named(mtlkit.UpdateStrategy).items()},
    "adam": Case(trainer={"optimizer": {"type": "adam"}}),
    "adversarial crf": Case(ADVERSARIAL, CRF, {"epochs": 2}),
    "accumulated batches": Case(ADVERSARIAL, trainer={"accumulate": 3}),
    "accumulated paths": Case(POOL, CRF, {"accumulate": 2, "update_strategy": {"type": "accumulated"}}),
    "clipped": Case(trainer={"gradient_clip": 1e-3}),
    "patience": Case(trainer={"patience": 1, "epochs": 9, "optimizer": {"type": "sgd", "lr": 1e-9}}),
    "one text a batch": Case(ADVERSARIAL, trainer={"batch_size": 1}),
    "skipped steps": Case(trainer=SKIPPED),
    "parameters of some texts only": Case(trainer={"epochs": 2}, by_first_word=True),
    "tables as a whole": Case(ADVERSARIAL, trainer={"optimizer": {"type": "adam"}}, smallest_table=10**6),
}
STOPPING = {
    "joint": Case(ADVERSARIAL, trainer={"epochs": 2}, stop=9),
    "search": Case(POOL, trainer={"update_strategy": {"type": "simultaneous_online"}}, stop=4),
}


@pytest.fixture(scope="module")
def shared() -> list[dict[str, Any]]:
    return run_in_processes({**CASES, **{f"stopping {name}": case for name, case in STOPPING.items()}})


@pytest.fixture(scope="module")
def of_three() -> list[dict[str, Any]]:
    return run_in_processes({name: CASES[name] for name in ("adversarial crf", "accumulated paths")}, number=3)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_come_to_the_numbers_of_one(name: str, shared: list[dict[str, Any]]) -> None:
    results = of_all(name, shared)
    check_equal(results[0], run(CASES[name]))
    assert all(torch.equal(results[0].weights[each], results[1].weights[each]) for each in results[0].weights)


@pytest.mark.parametrize("name", ["adversarial crf", "accumulated paths"])
def test_three_processes_come_to_the_numbers_of_one(name: str, of_three: list[dict[str, Any]]) -> None:
    for result in of_three:
        check_equal(result[name], run(CASES[name]))


@pytest.mark.parametrize("name", STOPPING)
def test_what_two_processes_began_one_goes_on_with(name: str, shared: list[dict[str, Any]]) -> None:
    begun, whole = shared[0][f"stopping {name}"], run(replace(STOPPING[name], stop=None))
    rest = run(STOPPING[name], begin=begun)
    check_equal(joined(begun, rest), whole)


def test_what_one_process_began_two_go_on_with() -> None:
    begun = {name: run(case) for name, case in STOPPING.items()}
    rest = run_in_processes({name: (case, begun[name]) for name, case in STOPPING.items()})
    for name, case in STOPPING.items():
        check_equal(joined(begun[name], rest[0][name]), run(replace(case, stop=None)))


class Alone(OneProcess):
    """One of two processes, which stops before the first exchange."""

    size = 2


class Unshared(UpdateStrategy):
    """A plugin's strategy that knows nothing of several processes."""

    def step(self, model: Any, batches: Any, optimization: Any, precision: Any) -> StepResult:
        raise NotImplementedError


class Losing(FullyShared):
    """A plugin's scheme that adds a loss of its own, without views."""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        shared = super().forward(states_BTE, mask_BT, task, with_trace=with_trace)
        return Shared(shared.states_BTD, {"own": shared.states_BTD.square().mean()})


SPLIT = {"on_out_of_memory": "split"}


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (Case(ADVERSARIAL, trainer=SPLIT), "trainer.on_out_of_memory: 'split' is not possible in several processes"),
        (Case(RANDOM_POOL, trainer=SPLIT), "trainer.on_out_of_memory: 'split' is not possible in several processes"),
    ],
    ids=["losses", "paths"],
)
def test_what_cannot_be_split_is_refused_before_the_first_step(case: Case, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        run(case, Alone())
    run(replace(case, trainer={**SPLIT, "epochs": 1}))  # in one process


def test_a_strategy_that_does_not_say_that_it_shares_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Joint, "shares_batches", Unshared.shares_batches)
    with pytest.raises(ConfigError, match="'joint' does not say that several processes may share its batches"):
        run(Case(), Alone())


def test_losses_without_views_are_refused() -> None:
    model = model_of(Case())
    model.sharing = Losing(Lazy.of(LstmEncoder, hidden_dim=4), input_dim=INPUT_DIM)
    batch = split_of(TASKS[0], 4, "label").batch(torch.arange(4))
    assert set(model.loss(batch).parts) == {"task", "own"}
    with pytest.raises(ConfigError, match=r"model.sharing: adds losses of a batch \(own\) without the views"):
        model.loss(batch.shared_by(Alone()))


def test_normalisation_over_a_batch_is_refused() -> None:
    model = model_of(Case())
    hand_down(model, replace(model.compute, ranks=Alone()))
    check_shareable(model, Joint(), splits=False)
    model.sharing.norm = torch.nn.BatchNorm1d(4)
    with pytest.raises(ConfigError, match=r"model: sharing\.norm normalises by the texts of a batch"):
        check_shareable(model, Joint(), splits=False)


def test_an_embedder_that_leaves_out_layers_at_random_is_refused() -> None:
    """Processes would have gradients of different parameters, which cannot be added up."""
    model = model_of(Case())
    hand_down(model, replace(model.compute, ranks=Alone()))
    check_shareable(model, Joint(), splits=False)
    next(iter(model.embedders.values())).leaves_out_parameters = True
    with pytest.raises(ConfigError, match=r"model\.embedder: leaves out layers at random"):
        check_shareable(model, Joint(), splits=False)
