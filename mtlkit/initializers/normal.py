"""A normal distribution."""

from typing import final

from torch import Tensor, nn

from mtlkit.initializers.initializer import Initializer
from mtlkit.types import PositiveFloat


@final
@Initializer.register("normal")
class Normal(Initializer):
    """N(0, std²).

    std: standard deviation.
    """

    def __init__(self, std: PositiveFloat = 0.1) -> None:
        self.std = std

    def fill(self, parameter: Tensor) -> None:
        nn.init.normal_(parameter, std=self.std)
