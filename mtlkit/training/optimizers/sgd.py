"""Stochastic gradient descent."""

from collections.abc import Iterable
from typing import final

import torch
from torch import nn

from mtlkit.training.optimizers.optimizer import Optimizer
from mtlkit.types import NonNegativeFloat, PositiveFloat, Probability


@final
@Optimizer.register("sgd")
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    Args:
        lr: learning rate.
        momentum: decay of the running mean of gradients; 0 is plain descent.
        weight_decay: factor of the l2 penalty.
    """

    def __init__(
        self, lr: PositiveFloat = 0.1, momentum: Probability = 0.0, weight_decay: NonNegativeFloat = 0.0
    ) -> None:
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay

    def create(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        # The fused form fails where momentum begins later for some parameters, as for those of a task's own.
        fused = None if self.momentum else True
        return torch.optim.SGD(
            parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay, fused=fused
        )
