"""Backward passes, clipping, steps and rates; and the optimisers' own settings."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.training import Optimizer
from mtlkit.training.optimization import Optimization


def make(gradient_clip: float | None = None, lr: float = 1.0) -> tuple[nn.Parameter, Optimization]:
    weights = nn.Parameter(torch.zeros(4))
    return weights, Optimization(torch.optim.SGD([weights], lr=lr), [weights], gradient_clip)


def loss_with_gradient(weights: Tensor, gradient: list[float]) -> Tensor:
    return (weights * torch.tensor(gradient)).sum()


def test_a_step_goes_down_the_sum_of_gradients_and_forgets_them() -> None:
    weights, optimization = make()
    optimization.backward(loss_with_gradient(weights, [1.0, 0, 0, 2.0]))
    optimization.backward(loss_with_gradient(weights, [1.0, 1.0, 0, 0]))
    optimization.apply()
    assert weights.tolist() == [-2.0, -1.0, 0.0, -2.0]
    assert weights.grad is None


@pytest.mark.parametrize(("clip", "length"), [(1.0, 1.0), (5.0, 5.0), (10.0, 5.0), (None, 5.0)])
def test_the_joint_norm_of_all_gradients_is_clipped(clip: float | None, length: float) -> None:
    first, second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimization = Optimization(torch.optim.SGD([first, second], lr=1.0), [first, second], clip)
    optimization.backward(3.0 * first.sum() + 4.0 * second.sum())
    optimization.apply()
    assert torch.cat([first, second]).norm().item() == pytest.approx(length, rel=1e-5)
    assert second.item() / first.item() == pytest.approx(4 / 3, rel=1e-5)


def test_a_rate_is_a_factor_of_the_optimisers_own() -> None:
    weights, optimization = make(lr=0.5)
    for factor in (0.1, 1.0, 0.0):
        optimization.set_rate(factor)
        assert optimization.optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * factor)
    optimization.backward(loss_with_gradient(weights, [1.0] * 4))
    optimization.apply()
    assert not weights.any()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"type": "adam", "lr": 0.5, "beta1": 0.8, "beta2": 0.7}, {"lr": 0.5, "betas": (0.8, 0.7), "weight_decay": 0}),
        ({"type": "adam", "eps": 1e-3, "weight_decay": 0.2}, {"lr": 1e-3, "eps": 1e-3, "weight_decay": 0.2}),
        ({"type": "adamw", "weight_decay": 0.3}, {"weight_decay": 0.3}),
        ({"type": "adadelta", "rho": 0.8, "eps": 1e-3}, {"lr": 1.0, "rho": 0.8, "eps": 1e-3}),
        ({"type": "sgd", "momentum": 0.8, "lr": 2.0}, {"lr": 2.0, "momentum": 0.8}),
    ],
)
def test_optimisers_take_their_settings(settings: dict[str, Any], expected: dict[str, Any]) -> None:
    name = settings.pop("type")
    optimizer = Lazy.of(Optimizer.by_name(name), **settings).build().create([nn.Parameter(torch.zeros(1))])
    assert {key: optimizer.param_groups[0][key] for key in expected} == expected


def test_a_state_comes_back_but_for_settings_that_have_changed() -> None:
    """After `--resume-anyway` a new learning rate counts, and not the one in the checkpoint."""

    def optimization(**settings: float) -> Optimization:
        parameter = nn.Parameter(torch.ones(2))
        return Optimization(torch.optim.SGD([parameter], **{"lr": 0.1, "momentum": 0.9, **settings}), [parameter], None)

    before = optimization()
    before.backward(before.parameters[0].sum())
    before.apply()
    before.set_rate(0.5)
    state = before.state_dict()
    same, changed = optimization(), optimization(lr=0.3)
    same.load_state_dict(state)
    changed.load_state_dict(state)
    assert (same.optimizer.param_groups[0]["lr"], changed.optimizer.param_groups[0]["lr"]) == (0.05, 0.3)
    for each in (same, changed):
        assert each.optimizer.state_dict()["state"][0]["momentum_buffer"].tolist() == [1.0, 1.0]
    parameter = nn.Parameter(torch.ones(2))
    with pytest.raises(ValueError, match="another optimiser"):
        Optimization(torch.optim.Adam([parameter]), [parameter], None).load_state_dict(state)
