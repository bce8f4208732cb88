"""The interface of optimisers."""

from abc import abstractmethod
from collections.abc import Iterable

import torch
from torch import nn

from mtlkit.config import Component


class Optimizer(Component):
    """Settings of an optimiser; `create` makes PyTorch's own, fused where PyTorch has a fused form.

    A fused optimiser saves 85 % of the step on a large embedding (docs/performance.md tells when it was measured).
    """

    @abstractmethod
    def create(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """An optimiser over `parameters`."""
