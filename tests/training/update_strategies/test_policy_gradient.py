"""REINFORCE: its constants, its gradient, and a bandit whose best arm is known."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit.sharing.selectors import Controller, FixedPaths, Paths
from mtlkit.training.optimizers import SGD, Adam, AdamGroup
from mtlkit.training.update_strategies.policy_gradient import Baseline, PolicyGradient, Rewarded

TASKS = ["movie", "tweet"]


def new_policy(num_samples: int = 3, tau: float | None = 1 / 30, baseline: Baseline = "none", **rest: Any) -> Any:
    return PolicyGradient(num_samples, tau, baseline, rest.pop("entropy", 0.0), Lazy.of(Adam, **rest))


def test_weights_are_the_softmax_of_thirty_rewards() -> None:
    rewards_N = torch.tensor([-0.7, -0.65, -0.8])
    weights_N = new_policy().weights("movie", rewards_N)
    torch.testing.assert_close(weights_N, (30 * rewards_N).exp() / (30 * rewards_N).exp().sum())
    torch.testing.assert_close(weights_N, torch.tensor([0.1810, 0.8110, 0.0090]) / 1.001, atol=1e-3, rtol=0)
    centred_N = new_policy(baseline="mean").weights("movie", rewards_N)
    torch.testing.assert_close(centred_N, weights_N - 1 / 3)


def test_rewards_as_they_are_less_a_baseline() -> None:
    first_N, second_N = torch.tensor([1.0, 3.0]), torch.tensor([2.0, 6.0])
    assert new_policy(2, None).weights("movie", first_N).tolist() == [0.5, 1.5]
    assert new_policy(2, None, "mean").weights("movie", second_N).tolist() == [-1.0, 1.0]
    running = new_policy(2, None, "ema")
    assert running.weights("movie", first_N).tolist() == [-0.5, 0.5]
    torch.testing.assert_close(running.weights("movie", second_N), (second_N - (0.95 * 2 + 0.05 * 4)) / 2)
    assert running.weights("tweet", second_N).tolist() == [-1.0, 1.0], "each task has its own"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"num_samples": 1}, "num_samples: one reward has nothing to be compared with"),
        ({"num_samples": 1, "tau": None, "baseline": "mean"}, "num_samples: one reward has nothing"),
        ({"baseline": "ema"}, "baseline: rewards under a softmax always have the mean 1/N"),
    ],
)
def test_settings_that_could_not_teach_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        new_policy(**settings)


def new_controller(num_modules: int = 4, max_length: int = 2, **settings: Any) -> Controller:
    torch.manual_seed(0)
    return Controller(num_modules=num_modules, max_length=max_length, tasks=TASKS, **settings).train()


def test_a_step_goes_up_the_weighted_log_probabilities() -> None:
    """With plain gradient steps of rate 1 the difference is the gradient, of two batches their mean."""
    controller = new_controller()
    drawn = {task: controller.sample(task, 3) for task in TASKS}
    rewards = {"movie": torch.tensor([-0.5, -0.6, -0.55]), "tweet": torch.tensor([-0.2, -0.1, -0.9])}
    ratios_N = torch.tensor([0.5, 1.0, 2.0])
    objective = torch.zeros(())
    for task, paths in drawn.items():
        weights_N = (30 * rewards[task]).softmax(dim=0) * ratios_N
        objective = objective + ((weights_N * paths.log_probs_N).sum() + 0.1 * paths.entropies_N.mean()) / 2
    parameters = list(controller.parameters())
    gradients = torch.autograd.grad(objective, parameters, retain_graph=True)
    before = [parameter.detach().clone() for parameter in parameters]
    policy = PolicyGradient(3, 1 / 30, "none", 0.1, Lazy.of(SGD, lr=1.0))
    policy.prepare({str(number): each for number, each in enumerate(parameters)}, gradient_clip=None)
    policy.step(
        [
            Rewarded(task, Paths(each.modules, each.log_probs_N, each.entropies_N, ratios_N), rewards[task])
            for task, each in drawn.items()
        ]
    )
    for old, new, gradient in zip(before, parameters, gradients, strict=True):
        torch.testing.assert_close(new.detach(), old + gradient)


def test_what_cannot_learn_is_left_alone() -> None:
    selector = FixedPaths({"movie": [0]}, num_modules=1, max_length=1, tasks=["movie"])
    policy = new_policy()
    policy.prepare({}, gradient_clip=1.0)
    policy.step([Rewarded("movie", selector.sample("movie", 3), torch.zeros(3))])
    policy.load_state_dict(policy.state_dict())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"baseline": "mean"},
        {"tau": None, "baseline": "ema", "lr": 3e-3},
        {"tau": None, "baseline": "mean", "entropy": 1e-3, "lr": 3e-3},
    ],
    ids=str,
)
def test_a_bandit_finds_the_best_path_of_each_task(settings: dict[str, Any]) -> None:
    """Rewards tell each task another path of two modules from the other 19 paths; noise stands in for batches."""
    best = {"movie": (2, 1), "tweet": (0, 3)}
    controller = new_controller()
    policy = new_policy(num_samples=5, **{"lr": 1e-2, **settings})
    policy.prepare(dict(controller.named_parameters()), gradient_clip=5.0)

    def reward(task: str, path: tuple[int, ...]) -> float:
        right = sum(path[step : step + 1] == (number,) for step, number in enumerate(best[task]))
        return -0.7 + 0.1 * right + 0.01 * float(torch.randn(()))

    for _ in range(300):
        for task in TASKS:
            paths = controller.sample(task, 5)
            rewards_N = torch.tensor([reward(task, path) for path in paths.modules])
            policy.step([Rewarded(task, paths, rewards_N)])
    for task in TASKS:
        assert controller.best(task) == best[task]
        assert probability(controller, task, best[task]) > 0.6


def probability(controller: Controller, task: str, path: tuple[int, ...]) -> float:
    log_probs_N: Tensor = controller.score(task, [path]).log_probs_N
    return log_probs_N.exp().item()


def test_the_state_of_other_groups_is_refused() -> None:
    """Of the same sizes: PyTorch would give each parameter the moments of the other."""

    def prepared(pattern: str) -> PolicyGradient:
        optimizer = Lazy.of(Adam, groups=[AdamGroup(pattern=pattern, lr=0.1)])
        policy = PolicyGradient(2, None, "none", 0.0, optimizer)
        policy.prepare({name: nn.Parameter(torch.zeros(2)) for name in ("selector.a", "selector.b")}, None)
        return policy

    state = prepared("a$").state_dict()
    prepared("a$").load_state_dict(state)
    with pytest.raises(ValueError, match="other parameters choose paths"):
        prepared("b$").load_state_dict(state)
    del state["trained"]  # as in a checkpoint of an older version
    prepared("a$").load_state_dict(state)
