"""The shared layer of a sharing scheme: every promise about it that can be broken, and what is said then."""

from collections.abc import Callable
from typing import Self

import pytest
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Component

Class = type[Component]
Verdict = Callable[[Class, Class], str]


class Good(mtlkit.SharingScheme):
    """One linear map for all, and a scale for each task."""

    def __init__(self, *, input_dim: mtlkit.Runtime[int], tasks: mtlkit.Runtime[list[str]]) -> None:
        super().__init__()
        self.output_dim = input_dim
        self.map = nn.Linear(input_dim, input_dim)
        self.scales = nn.ModuleDict({task: nn.Linear(input_dim, input_dim) for task in tasks})

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> mtlkit.Shared:
        return mtlkit.Shared(self.scales[task](self.map(states_BTE)) * mask_BT.unsqueeze(-1))

    @classmethod
    def shared_layer(cls, scheme: mtlkit.Lazy[Self]) -> mtlkit.SharedLayer:
        return mtlkit.SharedLayer({"map": (r"^sharing\.map\.",)}, scheme)


def schemes() -> dict[str, Class]:
    """A broken scheme for each sentence."""

    class NoScopes(Good):
        """Says nothing."""

        @classmethod
        def shared_layer(cls, scheme: mtlkit.Lazy[Self]) -> mtlkit.SharedLayer:
            return mtlkit.SharedLayer({}, scheme)

    class NoParameters(Good):
        """Names what is not there."""

        @classmethod
        def shared_layer(cls, scheme: mtlkit.Lazy[Self]) -> mtlkit.SharedLayer:
            return mtlkit.SharedLayer({"map": (r"^map\.",)}, scheme)

    class OfATask(Good):
        """Names what belongs to the tasks that were there."""

        @classmethod
        def shared_layer(cls, scheme: mtlkit.Lazy[Self]) -> mtlkit.SharedLayer:
            return mtlkit.SharedLayer({"all": (r"^sharing\.",)}, scheme)

    return {
        "its shared layer has no scopes": NoScopes,
        r"no parameter of it is named like '^map\.', in the scope 'map' of its shared layer": NoParameters,
        "sharing.scales.one.weight of the scope 'all' is not, in this shape, in the scheme of a new task": OfATask,
    }


def test_a_good_one_passes(verdict: Verdict) -> None:
    assert verdict(mtlkit.SharingScheme, Good) == ""


@pytest.mark.parametrize("said", schemes())
def test_what_is_broken_is_said(verdict: Verdict, said: str) -> None:
    assert verdict(mtlkit.SharingScheme, schemes()[said]) == said
