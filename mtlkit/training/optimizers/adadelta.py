"""AdaDelta."""

from collections.abc import Iterable
from typing import final

import torch
from torch import nn

from mtlkit.training.optimizers.optimizer import Optimizer
from mtlkit.types import NonNegativeFloat, PositiveFloat, Probability


@final
@Optimizer.register("adadelta")
class Adadelta(Optimizer):
    """AdaDelta (Zeiler 2012), the optimiser of Liu et al. 2019. They print no settings; these are the usual values.

    Args:
        lr: learning rate.
        rho: decay of the mean of squared gradients.
        eps: added under both roots.
        weight_decay: factor of the l2 penalty.
    """

    def __init__(
        self,
        lr: PositiveFloat = 1.0,
        rho: Probability = 0.95,
        eps: PositiveFloat = 1e-6,
        weight_decay: NonNegativeFloat = 0.0,
    ) -> None:
        self.lr = lr
        self.rho = rho
        self.eps = eps
        self.weight_decay = weight_decay

    def create(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        # PyTorch has no fused AdaDelta.
        return torch.optim.Adadelta(parameters, lr=self.lr, rho=self.rho, eps=self.eps, weight_decay=self.weight_decay)
