"""Selectors that learn nothing, and the one that stops learning."""

from typing import Any

import pytest
import torch

from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit.sharing.selectors import Controller, FixedPaths, PoolSelector, RandomPaths, UniformThenGreedy

RUNTIME: dict[str, Any] = {"num_modules": 3, "max_length": 2, "tasks": ["movie", "tweet"]}


def test_fixed_paths_are_those_given() -> None:
    selector = FixedPaths({"movie": [2, 2], "tweet": []}, **RUNTIME)
    assert selector.best("movie") == (2, 2)
    assert selector.sample("tweet", 3).modules == [()] * 3
    assert not selector.sample("movie", 2).log_probs_N.any()
    assert not list(selector.parameters())


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        ({"movie": [0]}, "paths: the task 'tweet' has none; give each task its list of modules"),
        ({"movie": [0], "tweet": [1], "tweat": [1]}, "paths: no task is named 'tweat'; did you mean 'tweet'?"),
        ({"movie": [0], "tweet": [0, 1, 0]}, "paths.tweet: is 3 modules long, the pool's max_length is 2"),
        ({"movie": [0], "tweet": [3]}, "paths.tweet: there is no module 3; the pool's are 0 to 2"),
    ],
)
def test_wrong_paths_are_explained(paths: dict[str, list[int]], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        FixedPaths(paths, **RUNTIME)
    assert str(caught.value) == sentence


def test_random_paths_differ_and_the_one_for_evaluation_stays() -> None:
    torch.manual_seed(2)
    selector = RandomPaths(**RUNTIME)
    assert len(set(selector.sample("movie", 100).modules)) == 3 + 3 * 3
    kept = {task: selector.best(task) for task in RUNTIME["tasks"]}
    selector.sample("movie", 5)
    other = RandomPaths(**RUNTIME)
    other.load_state_dict(selector.state_dict())
    assert {task: other.best(task) for task in kept} == kept


def test_random_paths_are_built_without_memory() -> None:
    with torch.device("meta"):
        assert RandomPaths(**RUNTIME).paths_KT.is_meta


def test_first_uniform_then_greedy() -> None:
    torch.manual_seed(0)
    selector = UniformThenGreedy(uniform_draws=2, **RUNTIME).train()
    for _ in range(2):
        paths = selector.sample("movie", 200)
        assert len(set(paths.modules)) == 12, "uniform, so none is missing"
        torch.testing.assert_close(paths.log_probs_N, selector.controller.score("movie", paths.modules).log_probs_N)
        assert paths.log_probs_N.requires_grad
    greedy = selector.sample("movie", 3)
    assert greedy.modules == [selector.best("movie")] * 3
    assert not greedy.log_probs_N.requires_grad
    assert len(set(selector.sample("tweet", 200).modules)) == 12, "each task has a count of its own"


def test_what_is_asked_in_evaluation_mode_does_not_count() -> None:
    selector = UniformThenGreedy(uniform_draws=1, **RUNTIME)
    selector.eval().sample("movie", 2)
    assert len(set(selector.train().sample("movie", 200).modules)) == 12


def test_the_count_is_kept_with_the_weights() -> None:
    selector = UniformThenGreedy(uniform_draws=1, **RUNTIME)
    selector.sample("movie", 2)
    resumed = UniformThenGreedy(uniform_draws=1, **RUNTIME)
    resumed.load_state_dict(selector.state_dict())
    assert not resumed.sample("movie", 2).log_probs_N.requires_grad


def test_only_a_controller_learns_from_uniform_paths() -> None:
    lazy: Lazy[PoolSelector] = Lazy.of(RandomPaths)
    with pytest.raises(ConfigError, match="controller: must be of type 'controller', not 'random'"):
        UniformThenGreedy(controller=lazy, **RUNTIME)
    assert isinstance(UniformThenGreedy(**RUNTIME).controller, Controller)
