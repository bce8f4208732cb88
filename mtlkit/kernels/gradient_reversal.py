"""The gradient reversal layer, for adversarial training in one backward pass."""

from typing import Any, cast, final

import torch
from torch import Tensor


def reverse_gradient(states: Tensor, scale: float = 1.0) -> Tensor:
    """Returns the states unchanged, and multiplies their gradient by -`scale` (Ganin and Lempitsky 2015).

    The layers above minimise a loss while the layers below maximise it, in one backward pass.
    """
    return cast(Tensor, _ReverseGradient.apply(states, scale))  # type: ignore[no-untyped-call]  # untyped in torch


@final
class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return states.view_as(states)  # a new tensor, as autograd wants

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return -ctx.scale * gradient, None
