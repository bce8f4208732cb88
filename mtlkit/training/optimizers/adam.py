"""Adam."""

from collections.abc import Iterable
from typing import final

import torch
from torch import nn

from mtlkit.training.optimizers.optimizer import Optimizer
from mtlkit.types import NonNegativeFloat, PositiveFloat, Probability


@final
@Optimizer.register("adam")
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient, as an l2 penalty.

    Args:
        lr: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of squared gradients.
        eps: added to the denominator.
        weight_decay: factor of the l2 penalty.
    """

    def __init__(
        self,
        lr: PositiveFloat = 1e-3,
        beta1: Probability = 0.9,
        beta2: Probability = 0.999,
        eps: PositiveFloat = 1e-8,
        weight_decay: NonNegativeFloat = 0.0,
    ) -> None:
        self.lr = lr
        self.betas = (beta1, beta2)
        self.eps = eps
        self.weight_decay = weight_decay

    def create(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            parameters, lr=self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )
