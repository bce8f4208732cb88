"""The extra losses of a sharing scheme: every promise that can be broken, and what is said then."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Component

Class = type[Component]
Verdict = Callable[[Class, Class], str]


class Good(mtlkit.SharingScheme):
    """A shared linear map, kept small by one loss."""

    def __init__(self, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__()
        self.output_dim = input_dim
        self.map = nn.Linear(input_dim, input_dim)
        self.size = nn.Parameter(torch.ones(input_dim))

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> mtlkit.Shared:
        states_BTD = self.map(states_BTE) * mask_BT.unsqueeze(-1)
        return mtlkit.Shared(states_BTD, self.losses(states_BTD, mask_BT, task))

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return {"size": (states_BTD * self.size).square().sum()}


class Taken(Good):
    """Names its loss as the model names the task's."""

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return {"task": super().losses(states_BTD, mask_BT, task)["size"]}


class Unequal(Good):
    """A loss that only one task has."""

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return super().losses(states_BTD, mask_BT, task) if task == "one" else {}


class PerText(Good):
    """A loss for each text."""

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return {"size": (states_BTD * self.size).square().sum(dim=(1, 2))}


class Untrained(Good):
    """Has a parameter that not even the loss trains."""

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return {"size": (states_BTD * self.size.detach()).square().sum()}


class Detached(Good):
    """A loss that trains nothing."""

    def __init__(self, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__(input_dim=input_dim)
        del self.size

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return {"size": states_BTD.detach().square().sum()}


class SeesPadding(Good):
    """A mean over steps, padding among them."""

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return {"size": (states_BTD * self.size).square().mean()}


class SeesOrder(Good):
    """A loss of the first text."""

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        return {"size": (states_BTD[0] * self.size).square().sum()}


class Spread(Good):
    """The square root of a variance, which is 0 in a batch of one text."""

    def losses(self, states_BTD: Tensor, mask_BT: Tensor, task: str) -> dict[str, Tensor]:
        sums_BD = (states_BTD * self.size).sum(dim=1)
        return {"size": (sums_BD - sums_BD.mean(dim=0)).square().sum().sqrt()}


BROKEN: dict[str, Class] = {
    "it calls a loss 'task', which is the name of the task's own": Taken,
    "its losses are ['size'] for one task and [] for another": Unequal,
    "its loss 'size' is not a finite scalar": PerText,
    "its parameter size gets no gradient": Untrained,
    "its loss 'size' has no gradient": Detached,
    "more padding changes its loss 'size'": SeesPadding,
    "the order of the texts changes its loss 'size'": SeesOrder,
    "for a batch of one text, the gradient of its loss 'size' is not finite": Spread,
}
"""By the sentence that it is told: a scheme that breaks a promise."""


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_broken_loss_is_told_what_is_wrong(verdict: Verdict, sentence: str) -> None:
    assert verdict(mtlkit.SharingScheme, BROKEN[sentence]) == sentence


def test_a_loss_may_train_what_the_states_do_not(verdict: Verdict) -> None:
    assert verdict(mtlkit.SharingScheme, Good) == ""
