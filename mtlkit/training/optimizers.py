"""Optimizers: the interface, and PyTorch's own behind it."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import final

import torch
from torch import nn

from mtlkit.config import Component
from mtlkit.types import NonNegativeFloat, PositiveFloat, Probability


class Optimizer(Component):
    """Settings of an optimiser; `create` makes PyTorch's own, fused where PyTorch has a fused form.

    A fused optimiser saves 85 % of the step on a large embedding (docs/performance.md tells when it was measured).
    """

    @abstractmethod
    def create(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """An optimiser over `parameters`."""


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
