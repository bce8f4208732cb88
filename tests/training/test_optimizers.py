"""Parameter groups of optimizers: what each parameter gets, against PyTorch's own groups, and through a checkpoint."""

from typing import Any

import pytest
import torch
from torch import nn

from mtlkit.config import validate
from mtlkit.errors import ConfigError
from mtlkit.training import Optimizer, TrainerSettings
from mtlkit.training.optimizers import SGD, Adam, AdamGroup, AdamW
from mtlkit.training.parameter_groups import group_parameters
from tests.training.states import through_a_file
from tests.training.test_trainer import ends, new_model, trainer, weights

GROUPS = {
    "adam": {"lr": 0.3, "beta1": 0.5, "weight_decay": 0.2},
    "adamw": {"lr": 0.3, "beta2": 0.5, "eps": 0.1, "weight_decay": 0.0},
    "sgd": {"lr": 0.3, "momentum": 0.5},
    "adadelta": {"lr": 0.3, "rho": 0.5, "eps": 0.1},
}
BETAS = {"adam": (0.5, 0.999), "adamw": (0.9, 0.5)}


def parameters(seed: int = 0) -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"embedders.table": (5, 3), "sharing.weight": (3, 3), "sharing.bias": (3,), "heads.a.bias": (2,)}
    return {name: nn.Parameter(torch.randn(*shape, generator=generator).double()) for name, shape in shapes.items()}


def descend(optimizer: torch.optim.Optimizer, named: dict[str, nn.Parameter], steps: int = 4) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        torch.stack([(each - 1).pow(4).sum() for each in named.values()]).sum().backward()
        optimizer.step()


def optimizer_of(value: dict[str, Any]) -> Optimizer:
    return validate(TrainerSettings, {"optimizer": value}, "f").optimizer.build()


@pytest.mark.parametrize("name", GROUPS)
def test_groups_are_those_of_pytorch(name: str) -> None:
    """Float64, four steps: equal to PyTorch's optimizer with the same groups written by hand."""
    ours, theirs = parameters(), parameters()
    groups = [{"pattern": "bias$", **GROUPS[name]}, {"pattern": "^embedders", "lr": 0.01}]
    made = optimizer_of({"type": name, "lr": 0.05, "groups": groups}).create_over(ours)
    own = {key: value for key, value in GROUPS[name].items() if not key.startswith("beta")}
    if name in BETAS:
        own["betas"] = BETAS[name]
    (pytorchs,) = type(made).__bases__
    assert pytorchs.__module__.startswith("torch.optim.")
    by_hand = pytorchs(
        [
            {"params": [theirs["sharing.weight"]]},
            {"params": [theirs["sharing.bias"], theirs["heads.a.bias"]], **own},
            {"params": [theirs["embedders.table"]], "lr": 0.01},
        ],
        lr=0.05,
        **({"rho": 0.95} if name == "adadelta" else {}),
        **({"weight_decay": 0.01} if name == "adamw" else {}),
    )
    descend(made, ours)
    descend(by_hand, theirs)
    for key, parameter in ours.items():
        torch.testing.assert_close(parameter, theirs[key], rtol=1e-12, atol=1e-12)


def test_without_groups_there_is_one_in_the_same_order() -> None:
    named = parameters()
    made = Adam().create_over(named)
    (group,) = made.param_groups
    assert list(map(id, group["params"])) == list(map(id, named.values()))


def test_of_several_groups_that_match_the_first_counts() -> None:
    named = parameters()
    groups = [AdamGroup(pattern="bias", lr=0.1), AdamGroup(pattern="sharing", lr=0.2)]
    rest, biases, sharing = group_parameters(named, groups)
    assert list(rest) == ["embedders.table"]
    assert list(biases) == ["sharing.bias", "heads.a.bias"] and list(sharing) == ["sharing.weight"]


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["bias", "nothing"], r"^\.groups\.1\.pattern: 'nothing': no parameter that is trained .* embedders\.table"),
        (["bias", "heads"], r"^\.groups\.1\.pattern: 'heads': groups before this one take all"),
    ],
)
def test_a_group_without_parameters_is_an_error(patterns: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Adam(groups=[AdamGroup(pattern=pattern, lr=0.1) for pattern in patterns]).create_over(parameters())


def test_a_group_may_hold_everything() -> None:
    made = AdamW(groups=[AdamGroup(pattern="", lr=0.5)]).create_over(parameters())
    assert [group["lr"] for group in made.param_groups] == [0.5]


def test_momentum_of_a_group_alone_keeps_the_form_that_is_not_fused() -> None:
    made = optimizer_of({"type": "sgd", "groups": [{"pattern": "bias", "momentum": 0.9}]}).create_over(parameters())
    assert not any(group["fused"] for group in made.param_groups)
    assert all(group["fused"] for group in SGD().create_over(parameters()).param_groups)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"pattern": "bias", "momentum": 0.9}, "optimizer.groups.0.momentum: unknown setting"),
        ({"pattern": "bias", "lr": -1.0}, "optimizer.groups.0.lr: should be greater than 0"),
        ({"pattern": "(", "lr": 1.0}, r"optimizer.groups.0.pattern: '\(' is not a regular expression"),
        ({"lr": 1.0}, "optimizer.groups.0.pattern: is missing"),
    ],
)
def test_settings_of_a_group_are_those_of_its_optimizer(group: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(TrainerSettings, {"optimizer": {"type": "adam", "groups": [group]}}, "f")


SETTINGS: dict[str, Any] = {
    "optimizer": {
        "type": "adam",
        "lr": 0.05,
        "groups": [{"pattern": "^embedders", "lr": 0.01}, {"pattern": "bias", "weight_decay": 0.1}],
    },
    "schedule": {"type": "linear"},
}


def test_a_schedule_acts_on_the_rate_of_each_group() -> None:
    run = trainer(**SETTINGS)
    rates = []
    for event in run.events():
        if not hasattr(event, "dev"):
            rates.append([group["lr"] for group in run.optimization.optimizer.param_groups])
    for other, embedders, biases in rates:
        assert other == pytest.approx(5 * embedders) and biases == other
    assert rates[0] != rates[-1]


@pytest.mark.parametrize("position", [1, 5, 10])
def test_a_run_with_groups_resumes_to_the_same_bits(position: int) -> None:
    whole = trainer(**SETTINGS)
    events = whole.events()
    for _ in range(position):
        next(events)
    state, tensors = through_a_file(whole.state()), weights(whole.model)
    rest = [end.to_json() for end in ends(list(events))]
    model = new_model()
    model.load_state_dict(tensors)
    resumed = trainer(model, **SETTINGS)
    resumed.load_state(state)
    assert [end.to_json() for end in ends(list(resumed.events()))] == rest
    for name, tensor in weights(whole.model).items():
        assert torch.equal(tensor, model.state_dict()[name])


def test_a_state_of_other_groups_is_refused() -> None:
    """Of groups of the same sizes too: PyTorch would give each parameter the moments of another."""
    state = trainer(optimizer={"type": "adam", "groups": [{"pattern": "^heads.small.*bias"}]}).state()
    with pytest.raises(ValueError, match="other parameters are trained"):
        trainer(optimizer={"type": "adam", "groups": [{"pattern": "^heads.large.*bias"}]}).load_state(state)
