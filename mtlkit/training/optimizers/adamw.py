"""AdamW."""

from collections.abc import Iterable
from typing import final

import torch
from torch import nn

from mtlkit.training.optimizers.optimizer import Optimizer
from mtlkit.types import NonNegativeFloat, PositiveFloat, Probability


@final
@Optimizer.register("adamw")
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Args:
        lr: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of squared gradients.
        eps: added to the denominator.
        weight_decay: share of each weight taken away per step, times the learning rate.
    """

    def __init__(
        self,
        lr: PositiveFloat = 1e-3,
        beta1: Probability = 0.9,
        beta2: Probability = 0.999,
        eps: PositiveFloat = 1e-8,
        weight_decay: NonNegativeFloat = 0.01,
    ) -> None:
        self.lr = lr
        self.betas = (beta1, beta2)
        self.eps = eps
        self.weight_decay = weight_decay

    def create(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            parameters, lr=self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )
