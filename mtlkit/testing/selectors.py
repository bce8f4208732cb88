"""Checks of pool selectors.

Shapes: N sampled paths, S steps of a path or size of an embedding, A actions: one for each module, and Stop as the last
one.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.sharing.selectors import ModulePath, Paths, PoolSelector
from mtlkit.testing.modules import build_module, check_gradients, check_meta_device, check_state, close
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import MAX_LENGTH, NUM_MODULES, TASKS

NUM_SAMPLES = 50


def check_pool_selector(lazy: Lazy[PoolSelector]) -> None:
    """Checks that the paths for each task are valid, the probabilities of paths, and the gradients of trainable
    parameters.
    """
    selector = build_module(lazy)
    for training in (True, False):
        for task in TASKS:
            _check_paths(_sample(selector.train(training), task))
    _check_best(selector.eval())
    for task in TASKS:
        for path in (selector.best(task), *_sample(selector, task).modules):
            _check_policy(selector, task, path)
        _check_probabilities(selector, task)
    _check_embeddings(selector)
    _check_chance(lazy)
    learning = build_module(lazy).train()
    check_gradients(learning, lambda: torch.cat([_sample(learning, task).log_probs_N for task in TASKS]))
    check_state(lazy, lambda tried: torch.tensor([_padded(tried.best(task)) for task in TASKS]))
    check_meta_device(lazy)


def _sample(selector: PoolSelector, task: str) -> Paths:
    with doing(f"when it samples paths for {task}"):
        return selector.sample(task, NUM_SAMPLES)


def _check_paths(paths: Paths) -> None:
    promise(len(paths.modules) == NUM_SAMPLES, f"of {NUM_SAMPLES} paths it samples {len(paths.modules)}")
    _check_legal(paths.modules)
    for name in ("log_probs_N", "entropies_N", "ratios_N"):
        values_N: Tensor = getattr(paths, name)
        given = tuple(values_N.shape)
        promise(given == (NUM_SAMPLES,), f"its {name} is {given}, not (N,) {(NUM_SAMPLES,)}")
        promise(bool(values_N.isfinite().all()), f"its {name} holds numbers that are not finite")
    promise(bool((paths.log_probs_N < 1e-6).all()), "a path of its own has a probability above 1")
    promise(bool((paths.entropies_N > -1e-6).all()), "its entropies are negative")
    promise(bool((paths.ratios_N >= 0).all()), "its ratios are negative")
    promise(not paths.ratios_N.requires_grad, "its ratios are not constant")


def _check_legal(paths: Iterable[ModulePath]) -> None:
    for path in paths:
        sound = isinstance(path, tuple) and all(type(number) is int for number in path)
        promise(sound, f"its path {path} is not a tuple of int")
        promise(len(path) <= MAX_LENGTH, f"its path {path} is longer than max_length, {MAX_LENGTH}")
        outside = [number for number in path if not 0 <= number < NUM_MODULES]
        promise(not outside, f"its path {path} names a module that is none of 0 to {NUM_MODULES - 1}")


def _check_best(selector: PoolSelector) -> None:
    for task in TASKS:
        with doing(f"when it is asked for the best path of {task}"):
            best, again = selector.best(task), selector.best(task)
        _check_legal([best])
        promise(best == again, f"the best path of {task} is now {best}, now {again}, though nothing was trained")


def _check_embeddings(selector: PoolSelector) -> None:
    """Checks that embeddings, if there are any, comprise one per task, all of the same size."""
    with doing("when it is asked for the embeddings of tasks"):
        embeddings = [selector.embedding(task) for task in TASKS]
    shapes = {None if embedding_S is None else tuple(embedding_S.shape) for embedding_S in embeddings}
    sound = len(shapes) == 1 and all(shape is None or len(shape) == 1 for shape in shapes)
    promise(sound, f"its embeddings of tasks are {sorted(map(str, shapes))}, not all (S) or all None")
    finite = all(embedding_S is None or bool(embedding_S.isfinite().all()) for embedding_S in embeddings)
    promise(finite, "its embeddings of tasks hold numbers that are not finite")


def _check_policy(selector: PoolSelector, task: str, path: ModulePath) -> None:
    """Checks that the policy, if there is one, is a probability distribution over actions at each step."""
    with doing(f"when it is asked for its policy along {path}"):
        policy_SA = selector.policy(task, path)
    if policy_SA is None:
        return
    given, expected = tuple(policy_SA.shape), (min(len(path) + 1, MAX_LENGTH), NUM_MODULES + 1)
    promise(given == expected, f"its policy along {path} is {given}, not (S, A) {expected}")
    promise(bool((policy_SA >= 0).all()), "its policy holds negative numbers")
    promise(close(policy_SA.sum(dim=1), torch.ones_like(policy_SA[:, 0])), "its policy does not sum to 1 at each step")


def _check_probabilities(selector: PoolSelector, task: str) -> None:
    """Checks that the policy along a path agrees with the path's log-probability."""
    sampled = _sample(selector, task)
    for path, log_prob in zip(sampled.modules, sampled.log_probs_N, strict=True):
        if (policy_SA := selector.policy(task, path)) is None:
            return
        actions = torch.tensor([*path, NUM_MODULES][: len(policy_SA)])
        taken_S = policy_SA.gather(1, actions.unsqueeze(1)).log()
        promise(close(taken_S.sum(), log_prob), f"by its policy {path} has another probability than it says")


def _check_chance(lazy: Lazy[Any]) -> None:
    """Checks that a resumed run draws what the uninterrupted run would have drawn."""
    first, second = build_module(lazy).train(), build_module(lazy).train()
    for task in TASKS:
        torch.manual_seed(3)
        drawn = _sample(first, task).modules
        torch.manual_seed(3)
        same = drawn == _sample(second, task).modules
        promise(same, "its paths depend on more than its weights and PyTorch's global generator")


def _padded(path: ModulePath) -> list[int]:
    return [*path, *[-1] * (MAX_LENGTH - len(path))]
