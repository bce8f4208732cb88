"""The traces of a sharing scheme: every promise that can be broken, and what is said then."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Component
from mtlkit.testing import TASKS

Class = type[Component]
Verdict = Callable[[Class, Class], str]


class Good(mtlkit.SharingScheme):
    """A shared linear map, whose words take equal shares of two tasks."""

    def __init__(self, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__()
        self.output_dim = input_dim
        self.map = nn.Linear(input_dim, input_dim)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> mtlkit.Shared:
        states_BTD = self.map(states_BTE) * mask_BT.unsqueeze(-1)
        return mtlkit.Shared(states_BTD, trace=self.trace(states_BTD, mask_BT) if with_trace else None)

    def trace(self, states_BTD: Tensor, mask_BT: Tensor) -> Any:
        return mtlkit.WordTrace(torch.full((*mask_BT.shape, 2), 0.5), tuple(TASKS[:2]))


def scheme(trace: Callable[[Tensor, Tensor], Any]) -> Class:
    """A scheme with this trace."""

    class Other(Good):
        """Another trace."""

        def trace(self, states_BTD: Tensor, mask_BT: Tensor) -> Any:
            return trace(states_BTD, mask_BT)

    return Other


def words(number: float = 0.5, num_sources: int = 2, senders: tuple[str, ...] | None = tuple(TASKS[:2])) -> Any:
    return lambda _, mask_BT: mtlkit.WordTrace(torch.full((*mask_BT.shape, num_sources), number), senders)


def positions(_: Tensor, mask_BT: Tensor) -> Any:
    return mtlkit.WordTrace(torch.ones(*mask_BT.shape, mask_BT.shape[1]), None)


def gates(make: Callable[[Tensor], Tensor]) -> Any:
    return lambda _, mask_BT: mtlkit.WordTrace(
        torch.full((*mask_BT.shape, 2), 0.5), tuple(TASKS[:2]), gates_BT=make(mask_BT)
    )


def guess(make: Callable[[int], Tensor]) -> Any:
    return lambda _, mask_BT: mtlkit.GuessTrace(make(len(mask_BT)), tuple(TASKS[:2]))


BROKEN = {
    "its trace is a dict, none of WordTrace, PathTrace, MixtureTrace and GuessTrace": lambda *_: {},
    "its weights are negative or not finite": words(-1.0),
    "its weights are (4, 7, 3), not (B, T, N) (4, 7, 2)": words(num_sources=3),
    "its trace names a task twice: one, one": words(senders=("one", "one")),
    "its trace names tasks that there are not: four": words(senders=("one", "four")),
    "its weights are not zero on padded sources": positions,
    "more padding changes its weights": lambda _, mask_BT: mtlkit.WordTrace(
        torch.full((*mask_BT.shape, 2), 1 / mask_BT.shape[1]), tuple(TASKS[:2])
    ),
    "its trace is not detached": lambda states_BTD, _: mtlkit.WordTrace(states_BTD[..., :2].abs(), tuple(TASKS[:2])),
    "its policy is (1, 4), not (S, A), for 2 modules": lambda *_: mtlkit.PathTrace((0, 1), torch.full((1, 4), 0.25)),
    "its policy does not sum to 1 at each step": lambda *_: mtlkit.PathTrace((0,), torch.ones(1, 4)),
    "its weights are (2, 1), not (L, K) with K = 2": lambda *_: mtlkit.MixtureTrace(
        torch.zeros(2, 1), tuple(TASKS[:2])
    ),
    "its gates are (4,), not (B, T) (4, 7)": gates(lambda mask_BT: torch.ones(len(mask_BT))),
    "its gates are not between 0 and 1": gates(lambda mask_BT: torch.full(mask_BT.shape, 1.5)),
    "more padding changes its gates": gates(lambda mask_BT: torch.full(mask_BT.shape, 1 / mask_BT.shape[1])),
    "its embedding is (1, 2), not (S), or not finite": lambda *_: mtlkit.PathTrace((0,), None, torch.zeros(1, 2)),
    "its probabilities are (1, 2), not (B, K) (4, 2)": guess(lambda _: torch.full((1, 2), 0.5)),
    "its probabilities are negative, or do not sum to 1 for each text": guess(lambda size: torch.ones(size, 2)),
    "its weights are not finite": lambda *_: mtlkit.MixtureTrace(torch.full((1, 1), torch.nan), (TASKS[0],)),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_broken_trace_is_told_what_is_wrong(verdict: Verdict, sentence: str) -> None:
    assert verdict(mtlkit.SharingScheme, scheme(BROKEN[sentence])) == sentence


def test_a_trace_that_nobody_asked_for(verdict: Verdict) -> None:
    class Always(Good):
        """Traces every batch."""

        def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> mtlkit.Shared:
            return super().forward(states_BTE, mask_BT, task, with_trace=True)

    assert verdict(mtlkit.SharingScheme, Always) == "it keeps a trace that nobody asked for"


@pytest.mark.parametrize(
    "kind",
    [
        Good,
        scheme(gates(lambda mask_BT: torch.full(mask_BT.shape, 0.25))),
        scheme(lambda *_: mtlkit.PathTrace((0,), None, torch.zeros(3))),
        scheme(guess(lambda size: torch.full((size, 2), 0.5))),
    ],
    ids=["words", "gates", "path", "guess"],
)
def test_good_traces_pass(verdict: Verdict, kind: Class) -> None:
    assert verdict(mtlkit.SharingScheme, kind) == ""


def test_a_policy_that_contradicts_itself(verdict: Verdict) -> None:
    """The path has one probability by its steps and another by itself."""

    class Contrary(mtlkit.PoolSelector):
        """Always the first module, and half as likely as its policy says."""

        def __init__(self, *, num_modules: mtlkit.Runtime[int], max_length: mtlkit.Runtime[int]) -> None:
            super().__init__()
            self.size = num_modules, max_length

        def sample(self, task: str, num_samples: int) -> mtlkit.Paths:
            logs_N = torch.full((num_samples,), 0.5).log()
            return mtlkit.Paths([self.best(task)] * num_samples, logs_N, -logs_N, torch.ones(num_samples))

        def best(self, task: str) -> mtlkit.ModulePath:
            return (0,) * self.size[1]

        def policy(self, task: str, path: mtlkit.ModulePath) -> Tensor:
            return torch.eye(self.size[0] + 1)[list(path)]

    said = verdict(mtlkit.PoolSelector, Contrary)
    assert said.startswith("by its policy (0, 0") and said.endswith("has another probability than it says")
