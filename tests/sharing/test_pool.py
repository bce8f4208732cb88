"""The path executor against modules stacked by hand, and who learns from a batch."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.encoders import BilstmEncoder, LstmEncoder
from mtlkit.errors import ConfigError
from mtlkit.sharing import ModulePool, SearchableScheme
from mtlkit.sharing.selectors import FixedPaths, ModulePath, RandomPaths

TASKS = ["movie", "tweet"]
SIZE, TIME = 4, 5
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [2], [3]])
STATES_BTE = torch.randn(3, TIME, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
PATHS: list[ModulePath] = [(0,), (2, 1), (1, 1), (0, 2, 0)]


def build(**settings: Any) -> ModulePool:
    torch.manual_seed(1)
    module = Lazy.of(BilstmEncoder, hidden_dim=SIZE // 2)
    return ModulePool(module, num_modules=3, input_dim=SIZE, tasks=TASKS, **settings).double()


def gradients(scheme: ModulePool, states_BTD: Tensor) -> dict[str, Tensor]:
    scheme.zero_grad()
    states_BTD.square().sum().backward()  # type: ignore[no-untyped-call]
    return {name: each.grad for name, each in scheme.named_parameters() if each.grad is not None}


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_path_is_modules_stacked_by_hand(path: ModulePath) -> None:
    scheme = build()
    states_BTD = scheme(STATES_BTE, MASK_BT, "movie", path=path).states_BTD
    stacked_BTD = STATES_BTE
    for number in path:
        lstms: Any = scheme.pool[number]
        rightward_BTH = lstms.rightward(stacked_BTD)[0]
        rows = []
        for row_TD, mask_T in zip(stacked_BTD, MASK_BT, strict=True):  # backwards within each text's own length
            length = int(mask_T.sum())
            backward_TH = lstms.leftward(row_TD[None, :length].flip(1))[0][0].flip(0)
            rows.append(torch.cat([backward_TH, torch.zeros(TIME - length, SIZE // 2, dtype=torch.float64)]))
        stacked_BTD = torch.cat([rightward_BTH, torch.stack(rows)], dim=-1) * MASK_BT.unsqueeze(-1)
    torch.testing.assert_close(states_BTD, stacked_BTD)

    found, expected = gradients(scheme, states_BTD), gradients(scheme, stacked_BTD)
    assert {name.split(".")[1] for name in found} == {str(number) for number in path}, "only the modules used learn"
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name])


def test_paths_together_are_paths_one_by_one() -> None:
    scheme = build()
    given = STATES_BTE.clone().requires_grad_()
    paths: list[ModulePath] = [(0, 1), (0,), (), (0, 1, 1), (2, 1), (0, 1), (0, 1, 2)]

    def found(along: list[Any]) -> list[Tensor]:
        weighted = [(number + 1) * shared.states_BTD.square().sum() for number, shared in enumerate(along)]
        inputs = [given, *scheme.pool.parameters()]
        gradients = torch.autograd.grad(torch.stack(weighted).sum(), inputs, materialize_grads=True)
        return [*(shared.states_BTD for shared in along), *gradients]

    together = found(scheme.forward_paths(given, MASK_BT, "movie", paths))
    one_by_one = found([scheme(given, MASK_BT, "movie", path=path) for path in paths])
    plain = found(SearchableScheme.forward_paths(scheme, given, MASK_BT, "movie", paths))
    torch.testing.assert_close(together, one_by_one, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(plain, one_by_one, rtol=0, atol=0)


def test_beginnings_that_paths_have_in_common_are_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scheme, num_passes = build(), 0
    forward = BilstmEncoder.forward

    def counted(encoder: BilstmEncoder, *given: Any) -> Tensor:
        nonlocal num_passes
        num_passes += 1
        return forward(encoder, *given)

    monkeypatch.setattr(BilstmEncoder, "forward", counted)
    for paths, expected in {((0, 1), (0, 2), (0, 1)): 3, ((0,), (1,)): 2, ((),): 0, ((1, 1, 1), (1, 1)): 3}.items():
        num_passes = 0
        scheme.forward_paths(STATES_BTE, MASK_BT, "movie", paths)
        assert num_passes == expected == scheme.num_passes(paths)
    assert SearchableScheme.num_passes(scheme, [(0, 1), (0, 2)]) == 4, "a scheme that shares nothing"


def test_the_empty_path_is_the_embeddings() -> None:
    states_BTD = build()(STATES_BTE, MASK_BT, "movie", path=()).states_BTD
    assert torch.equal(states_BTD, STATES_BTE * MASK_BT.unsqueeze(-1))


def test_evaluation_takes_the_best_path() -> None:
    scheme = build(selector=Lazy.of(FixedPaths, paths={"movie": [1, 2], "tweet": [0]})).eval()
    for task, path in {"movie": (1, 2), "tweet": (0,)}.items():
        expected_BTD = scheme(STATES_BTE, MASK_BT, "movie", path=path).states_BTD
        assert torch.equal(scheme(STATES_BTE, MASK_BT, task).states_BTD, expected_BTD)


def test_training_takes_a_sampled_path() -> None:
    scheme = build(selector=Lazy.of(RandomPaths)).train()
    torch.manual_seed(5)
    used = {frozenset(gradients(scheme, scheme(STATES_BTE, MASK_BT, "movie").states_BTD)) for _ in range(20)}
    assert len(used) > 2


def test_losses_teach_the_modules_and_rewards_the_selector() -> None:
    scheme = build().train()
    assert isinstance(scheme, SearchableScheme)
    selected = {f"selector.{name}" for name, _ in scheme.selector.named_parameters()}
    assert len(scheme.search_parameters()) == len(selected)
    assert not selected & gradients(scheme, scheme(STATES_BTE, MASK_BT, "movie").states_BTD).keys()
    assert set(gradients(scheme, scheme.sample("movie", 4).log_probs_N)) == selected


def test_modules_start_differently() -> None:
    first_BTD, second_BTD = (build()(STATES_BTE, MASK_BT, "movie", path=(number,)).states_BTD for number in (0, 1))
    assert not torch.allclose(first_BTD, second_BTD)


def test_modules_must_fit_each_other() -> None:
    with pytest.raises(ConfigError) as caught:
        ModulePool(Lazy.of(LstmEncoder, hidden_dim=7), input_dim=SIZE, tasks=TASKS)
    assert str(caught.value) == (
        "module: takes embeddings of 4 and gives states of 7; in a pool both must be equal, since any module may "
        "follow any other"
    )


def test_the_trace_has_the_embedding_that_the_task_is_known_by() -> None:
    scheme: Any = build().eval()
    trace = scheme(STATES_BTE, MASK_BT, "tweet", with_trace=True).trace
    embeddings_KS = scheme.selector.task_embeddings.weight.detach()
    assert torch.equal(trace.embedding_S, embeddings_KS[TASKS.index("tweet")])
    assert not trace.embedding_S.requires_grad
    with torch.no_grad():
        scheme.selector.task_embeddings.weight.add_(1.0)
    assert not torch.equal(trace.embedding_S, embeddings_KS[TASKS.index("tweet")]), "training changes no trace"
    fixed = build(selector=Lazy.of(FixedPaths, paths={"movie": [0], "tweet": [1]}))
    assert fixed(STATES_BTE, MASK_BT, "tweet", with_trace=True).trace.embedding_S is None
