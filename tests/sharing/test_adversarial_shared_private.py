"""The two losses of the adversarial scheme, and whom they push where, in float64."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.encoders import BilstmEncoder, LstmEncoder
from mtlkit.errors import ConfigError
from mtlkit.sharing import AdversarialSharedPrivate, ParallelSharedPrivate

TASKS = ["movie", "product", "tweet"]
INPUT, STATE, TIME = 4, 5, 6
LENGTHS = [TIME, 2, 4]
MASK_BT = torch.arange(TIME) < torch.tensor(LENGTHS).unsqueeze(1)
INPUTS_BTE = torch.randn(3, TIME, INPUT, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def build(tasks: list[str] = TASKS, **settings: Any) -> AdversarialSharedPrivate:
    torch.manual_seed(1)
    lazy = Lazy.of(AdversarialSharedPrivate, **{"encoder": Lazy.of(LstmEncoder, hidden_dim=STATE), **settings})
    scheme = lazy.build(input_dim=INPUT, tasks=tasks).double()
    for parameter in scheme.parameters():
        nn.init.normal_(parameter)
    return scheme


def last_states(encoder: nn.Module) -> list[Tensor]:
    """The last states of each text alone, without any padding."""
    alone = torch.ones(1, TIME, dtype=torch.bool)
    return [encoder(INPUTS_BTE[row : row + 1, :length], alone[:, :length])[0, -1] for row, length in enumerate(LENGTHS)]


def gradients(scheme: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """Gradients, by name, of the parameters that the loss depends on."""
    leaves = dict(scheme.named_parameters())
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(leaves, found, strict=True) if gradient is not None}


def cross_entropy(scheme: Any, task: str) -> Tensor:
    """The cross-entropy of the discriminator, text by text, without a reversal."""
    total = torch.zeros((), dtype=torch.float64)
    for state_S in last_states(scheme.shared):
        scores = [
            row_S @ state_S + bias
            for row_S, bias in zip(scheme.discriminator.weight, scheme.discriminator.bias, strict=True)
        ]
        partition = torch.stack([score.exp() for score in scores]).sum()
        total = total - (scores[TASKS.index(task)].exp() / partition).log()
    return total / len(LENGTHS)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("weight", "reversal"), [(0.05, 1.0), (1.0, 1.0), (0.3, 2.5)])
def test_the_discriminator_learns_and_the_shared_encoder_unlearns(task: str, weight: float, reversal: float) -> None:
    scheme = build(adversarial_weight=weight, reversal=reversal)
    loss = scheme(INPUTS_BTE, MASK_BT, task).losses["adversarial"]
    plain = cross_entropy(scheme, task)
    torch.testing.assert_close(loss, weight * plain)

    actual, expected = gradients(scheme, loss), gradients(scheme, plain)
    assert {name.split(".")[0] for name in actual} == {"shared", "discriminator"}
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        factor = weight if name.startswith("discriminator") else -weight * reversal
        assert gradient.any()
        torch.testing.assert_close(actual[name], factor * gradient, msg=lambda text, name=name: f"{name}: {text}")


def test_whatever_lies_below_is_pushed_like_the_shared_encoder() -> None:
    scheme = build(adversarial_weight=1.0)
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    scheme(inputs_BTE, MASK_BT, "tweet").losses["adversarial"].backward()
    assert inputs_BTE.grad is not None and not inputs_BTE.grad[~MASK_BT].any()
    with torch.no_grad():
        before = scheme(INPUTS_BTE, MASK_BT, "tweet").losses["adversarial"]
        after = scheme(INPUTS_BTE - 1e-4 * inputs_BTE.grad, MASK_BT, "tweet").losses["adversarial"]
    assert after > before


@pytest.mark.parametrize("norm", ["raw", "normalised"])
@pytest.mark.parametrize("private_dim", [STATE, 3])
def test_difference_is_that_of_the_last_valid_states(norm: str, private_dim: int) -> None:
    own = Lazy.of(LstmEncoder, hidden_dim=private_dim)
    scheme = build(private_encoder=own, difference_norm=norm, difference_weight=0.5)
    views = [last_states(scheme.shared), last_states(scheme.private["product"])]
    if norm == "normalised":
        centred = [[row - sum(rows) / len(rows) for row in rows] for rows in views]
        views = [[row / row.square().sum().sqrt() for row in rows] for rows in centred]
    total = torch.zeros((), dtype=torch.float64)
    for s in range(STATE):
        for p in range(private_dim):
            product = sum((one[s] * other[p] for one, other in zip(*views, strict=True)), torch.zeros(()).double())
            total = total + product**2
    expected = 0.5 * (total if norm == "raw" else total / (STATE * private_dim))

    loss = scheme(INPUTS_BTE, MASK_BT, "product").losses["difference"]
    torch.testing.assert_close(loss, expected)
    actual, wanted = gradients(scheme, loss), gradients(scheme, expected)
    assert actual.keys() == wanted.keys()
    assert {name.split(".")[0] for name in actual} == {"shared", "private"}
    for name in wanted:
        torch.testing.assert_close(actual[name], wanted[name], msg=lambda text, name=name: f"{name}: {text}")


def test_defaults_are_the_papers() -> None:
    scheme, heavier = build(), build(adversarial_weight=0.5, difference_weight=0.1)
    losses, more = (built(INPUTS_BTE, MASK_BT, "movie").losses for built in (scheme, heavier))
    assert list(losses) == ["adversarial", "difference"]
    for name, loss in losses.items():
        torch.testing.assert_close(10 * loss, more[name])
    assert scheme.discriminator is not None and tuple(scheme.discriminator.weight.shape) == (len(TASKS), STATE)


def test_a_discriminator_that_knows_nothing_loses_log_k() -> None:
    scheme = build(adversarial_weight=1.0)
    assert scheme.discriminator is not None
    nn.init.zeros_(scheme.discriminator.weight)
    nn.init.zeros_(scheme.discriminator.bias)
    assert scheme(INPUTS_BTE, MASK_BT, "movie").losses["adversarial"].item() == pytest.approx(math.log(3))


def test_without_its_losses_it_is_the_plain_scheme_in_another_order() -> None:
    scheme = build(adversarial_weight=0.0, difference_weight=0.0)
    assert scheme.discriminator is None
    plain = ParallelSharedPrivate(Lazy.of(LstmEncoder, hidden_dim=STATE), input_dim=INPUT, tasks=TASKS).double()
    plain.load_state_dict(scheme.state_dict())
    shared = scheme(INPUTS_BTE, MASK_BT, "tweet")
    assert shared.losses == {}
    private_and_shared = shared.states_BTD.split(STATE, dim=-1)
    states_BTD = plain(INPUTS_BTE, MASK_BT, "tweet").states_BTD
    assert torch.equal(torch.cat(private_and_shared[::-1], dim=-1), states_BTD)


def test_a_lone_task_needs_no_discriminator() -> None:
    with pytest.raises(ConfigError, match=r"adversarial_weight: .* 'movie' as the only task; set it to 0"):
        build(["movie"])
    assert list(build(["movie"], adversarial_weight=0.0)(INPUTS_BTE, MASK_BT, "movie").losses) == ["difference"]


def test_builds_and_runs_without_memory() -> None:
    with torch.device("meta"):
        scheme = AdversarialSharedPrivate(Lazy.of(BilstmEncoder, hidden_dim=3), input_dim=INPUT, tasks=TASKS)
    assert all(parameter.is_meta for parameter in scheme.parameters())


@pytest.mark.parametrize("task", TASKS)
def test_the_trace_is_what_the_discriminator_takes_each_text_for(task: str) -> None:
    scheme: Any = build()
    trace = scheme(INPUTS_BTE, MASK_BT, task, with_trace=True).trace
    assert trace.tasks == tuple(TASKS)
    assert not trace.probabilities_BK.requires_grad
    for row, state_S in enumerate(last_states(scheme.shared)):
        scores_K = scheme.discriminator.weight @ state_S + scheme.discriminator.bias
        torch.testing.assert_close(trace.probabilities_BK[row], (scores_K.exp() / scores_K.exp().sum()).detach())
    likelihood = trace.probabilities_BK[:, TASKS.index(task)].log().mean()
    torch.testing.assert_close(-likelihood, cross_entropy(scheme, task).detach())


def test_without_a_discriminator_there_is_no_trace() -> None:
    assert build(adversarial_weight=0.0)(INPUTS_BTE, MASK_BT, "movie", with_trace=True).trace is None
