"""Plans of task samplers, exactly and by their odds."""

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.training import samplers
from mtlkit.training.samplers import (
    AnnealedSampler,
    ProportionalSampler,
    RoundRobinSampler,
    TaskSampler,
    UniformSampler,
)

SAMPLERS = [AnnealedSampler(), ProportionalSampler(), RoundRobinSampler(), UniformSampler()]
each_sampler = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.registered_name)
sizes = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 30), min_size=1)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def plan(sampler: TaskSampler, num_batches: dict[str, int], seed: int = 0, epoch: int = 0) -> list[str]:
    return sampler.plan(num_batches, epoch, 5, seeded(seed))


@pytest.mark.parametrize("sampler", [RoundRobinSampler(), ProportionalSampler()], ids=["round_robin", "proportional"])
@given(num_batches=sizes, seed=st.integers(0, 99))
def test_each_batch_comes_exactly_once_per_epoch(sampler: TaskSampler, num_batches: dict[str, int], seed: int) -> None:
    assert Counter(plan(sampler, num_batches, seed)) == num_batches


@each_sampler
@given(num_batches=sizes, epoch=st.integers(0, 4))
def test_an_epoch_has_as_many_batches_as_one_pass_over_all(
    sampler: TaskSampler, num_batches: dict[str, int], epoch: int
) -> None:
    order = plan(sampler, num_batches, epoch=epoch)
    assert len(order) == sum(num_batches.values())
    assert set(order) <= set(num_batches)


@each_sampler
def test_only_the_generator_decides(sampler: TaskSampler) -> None:
    num_batches = {"a": 20, "b": 30}
    assert plan(sampler, num_batches, seed=1) == plan(sampler, num_batches, seed=1)
    assert plan(sampler, num_batches, seed=1) != plan(sampler, num_batches, seed=2)


@given(num_batches=sizes, seed=st.integers(0, 99))
def test_round_robin_goes_round(num_batches: dict[str, int], seed: int) -> None:
    order = plan(RoundRobinSampler(), num_batches, seed)
    start = 0
    for turn in range(max(num_batches.values())):
        present = {task for task, count in num_batches.items() if count > turn}
        assert set(order[start : start + len(present)]) == present
        start += len(present)


def test_round_robin_changes_the_order_of_a_round() -> None:
    order = plan(RoundRobinSampler(), {"a": 40, "b": 40})
    assert {tuple(order[start : start + 2]) for start in range(0, 80, 2)} == {("a", "b"), ("b", "a")}


def test_uniform_odds_ignore_sizes() -> None:
    counts = Counter(plan(UniformSampler(), {"a": 3900, "b": 100}))
    assert abs(counts["a"] - 2000) < 150  # 4.7 standard deviations


@pytest.mark.parametrize(
    ("anneal", "epoch", "epochs", "alpha"),
    [(0.8, 0, 5, 1), (0.8, 2, 5, 0.6), (0.8, 4, 5, 0.2), (1.0, 4, 5, 0), (0.0, 4, 5, 1), (0.8, 0, 1, 1)],
)
def test_annealed_odds(monkeypatch: pytest.MonkeyPatch, anneal: float, epoch: int, epochs: int, alpha: float) -> None:
    seen: dict[str, Any] = {}

    def draw(weights: dict[str, float], count: int, generator: torch.Generator) -> list[str]:
        seen.update(weights=weights, count=count)
        return []

    monkeypatch.setattr(samplers, "draw", draw)
    AnnealedSampler(anneal).plan({"a": 100, "b": 4}, epoch, epochs, seeded(0))
    assert seen["weights"] == pytest.approx({"a": 100**alpha, "b": 4**alpha})
    assert seen["count"] == 104


def test_annealed_ends_nearly_uniform() -> None:
    num_batches = {"a": 3600, "b": 400}
    first, last = (Counter(plan(AnnealedSampler(1.0), num_batches, epoch=epoch)) for epoch in (0, 4))
    assert abs(first["a"] - 3600) < 100
    assert abs(last["a"] - 2000) < 150
