"""The controller's probabilities against all paths of a small pool, and its samples against its probabilities."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.sharing.selectors import Controller, ModulePath, PathRules

TASKS = ["movie", "tweet"]
NUM_MODULES, MAX_LENGTH = 3, 3
both_inputs = pytest.mark.parametrize("input", ["task_first", "task_concat_action"])


def build(**settings: Any) -> Controller:
    """A controller with parameters large enough for a policy far from uniform."""
    torch.manual_seed(4)
    controller = Controller(
        hidden_dim=5, embedding_dim=4, num_modules=NUM_MODULES, max_length=MAX_LENGTH, tasks=TASKS, **settings
    ).double()
    for parameter in controller.parameters():
        nn.init.normal_(parameter)
    return controller


def every_path(controller: Controller) -> list[ModulePath]:
    """All legal ones, by drawing until no new one comes."""
    rules = controller.rules
    return sorted(set(rules.paths(rules.uniform(5000)[0])))


def literal(controller: Controller, task: str, path: ModulePath) -> tuple[Tensor, Tensor]:
    """log p(path) and the sum of entropies, one action after the other as the paper tells it."""
    stop, state = NUM_MODULES, None
    rules: PathRules = controller.rules
    embedding_S = controller.task_embeddings.weight[TASKS.index(task)]
    log_prob = entropy = torch.zeros((), dtype=torch.float64)
    taken: list[int] = []
    for action in [*path, stop][:MAX_LENGTH]:
        previous_S = controller.action_embeddings.weight[taken[-1] if taken else stop]
        if controller.concatenates:
            input_S = torch.cat([embedding_S, previous_S])
        else:
            input_S = previous_S if taken else embedding_S
        state = controller.recurrence(input_S[None], state)
        logits_A = controller.output(state[0])[0]
        legal = [
            number
            for number in range(NUM_MODULES + 1)
            if (number != stop and (rules.allow_repeat or number not in taken))
            or (number == stop and (taken or rules.allow_empty))
        ]
        law = torch.distributions.Categorical(logits=logits_A[legal])
        log_prob = log_prob + law.log_prob(torch.tensor(legal.index(action)))
        entropy = entropy + law.entropy()
        taken.append(action)
    return log_prob, entropy


@both_inputs
@pytest.mark.parametrize("rules", [{}, {"allow_empty": True}, {"allow_repeat": False}])
def test_probabilities_are_the_papers_and_sum_to_one(input: str, rules: dict[str, bool]) -> None:
    controller = build(input=input, **rules)
    paths = every_path(controller)
    assert (() in paths) == controller.rules.allow_empty
    assert ((0, 0, 0) in paths) == controller.rules.allow_repeat
    for task in TASKS:
        scored = controller.score(task, paths)
        assert scored.modules == paths
        torch.testing.assert_close(scored.log_probs_N.exp().sum(), torch.ones((), dtype=torch.float64))
        for place, path in enumerate(paths):
            log_prob, entropy = literal(controller, task, path)
            torch.testing.assert_close(scored.log_probs_N[place], log_prob)
            torch.testing.assert_close(scored.entropies_N[place], entropy)


def test_tasks_have_policies_of_their_own() -> None:
    controller = build()
    paths = every_path(controller)
    movie, tweet = (controller.score(task, paths).log_probs_N for task in TASKS)
    assert not torch.allclose(movie, tweet, atol=0.1)


@both_inputs
def test_gradients_are_those_of_the_literal_form(input: str) -> None:
    controller = build(input=input)
    paths = [(0, 2), (1, 1, 2), (2,)]
    weights_N = torch.tensor([0.2, -1.0, 0.5], dtype=torch.float64)
    batched = (weights_N * controller.score("tweet", paths).log_probs_N).sum()
    one_by_one = sum(
        weight * literal(controller, "tweet", path)[0] for weight, path in zip(weights_N, paths, strict=True)
    )
    assert isinstance(one_by_one, Tensor)
    for left, right in zip(gradients(controller, batched), gradients(controller, one_by_one), strict=True):
        torch.testing.assert_close(left, right)


def gradients(controller: Controller, value: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, list(controller.parameters()), retain_graph=True)


def law_of(controller: Controller, task: str, paths: list[ModulePath], exploration: float) -> Tensor:
    """The probability of drawing each path, action by action or path by path."""
    rules = controller.rules
    policy_N = torch.stack([literal(controller, task, path)[0].exp() for path in paths])
    drawn_N = []
    for place, path in enumerate(paths):
        uniform = mixed = 1.0
        for step, action in enumerate([*path, rules.stop][:MAX_LENGTH]):
            chance = 1 / int(rules.legal(torch.tensor([path[:step]], dtype=torch.int64)).sum())
            uniform *= chance
            before = sum(policy_N[other].item() for other, found in enumerate(paths) if found[:step] == path[:step])
            through = sum(
                policy_N[other].item()
                for other, found in enumerate(paths)
                if [*found, rules.stop][: step + 1] == [*path[:step], action]
            )
            mixed *= (1 - exploration) * through / before + exploration * chance
        if controller.explore == "structure":
            mixed = (1 - exploration) * policy_N[place].item() + exploration * uniform
        drawn_N.append(mixed)
    return torch.tensor(drawn_N, dtype=torch.float64)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("explore", ["action", "structure"])
def test_paths_are_drawn_as_often_as_they_are_likely(explore: str, training: bool) -> None:
    """Chi-square: over its degrees of freedom it is near 1, with a spread of sqrt(2 / degrees)."""
    controller = build(explore=explore, exploration=0.4, importance=True).train(training)
    paths = every_path(controller)
    expected_N = law_of(controller, "movie", paths, 0.4 if training else 0.0)
    torch.testing.assert_close(expected_N.sum(), torch.ones((), dtype=torch.float64))
    size = 20_000
    torch.manual_seed(8)
    sampled = controller.sample("movie", size)
    counted = Counter(sampled.modules)
    counts_N = torch.tensor([counted[path] for path in paths], dtype=torch.float64)
    assert counts_N.sum() == size
    often_N = expected_N * size >= 5
    chi_square = ((counts_N - size * expected_N).square() / (size * expected_N))[often_N].sum().item()
    degrees = int(often_N.sum()) - 1
    assert degrees >= 5
    assert chi_square < degrees + 4 * (2 * degrees) ** 0.5

    places = torch.tensor([paths.index(path) for path in sampled.modules])
    policy_N = controller.score("movie", paths).log_probs_N.exp()
    torch.testing.assert_close(sampled.log_probs_N.exp(), policy_N[places], msg="of the policy, whoever chose")
    torch.testing.assert_close(sampled.ratios_N, (policy_N / expected_N)[places].detach())


def test_without_importance_nothing_is_corrected() -> None:
    assert torch.equal(build().train().sample("movie", 7).ratios_N, torch.ones(7, dtype=torch.float64))


def test_the_best_path_takes_the_likeliest_action_at_each_step() -> None:
    controller = build()
    paths = every_path(controller)
    for task in TASKS:
        likely = dict(zip(paths, controller.score(task, paths).log_probs_N.exp().tolist(), strict=True))
        prefix: list[int] = []
        while len(prefix) < MAX_LENGTH:
            mass = [
                sum(p for path, p in likely.items() if [*path, NUM_MODULES][: len(prefix) + 1] == [*prefix, action])
                for action in range(NUM_MODULES + 1)
            ]
            prefix.append(mass.index(max(mass)))
            if prefix[-1] == NUM_MODULES:
                break
        assert controller.best(task) == tuple(number for number in prefix if number != NUM_MODULES)


def test_the_policy_does_not_hang_on_the_precision_of_the_modules() -> None:
    controller = build().float()
    plain = controller.score("movie", [(0, 1)]).log_probs_N
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(controller.score("movie", [(0, 1)]).log_probs_N, plain)
