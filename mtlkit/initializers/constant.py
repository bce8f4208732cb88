"""A constant."""

from typing import final

from torch import Tensor, nn

from mtlkit.initializers.initializer import Initializer


@final
@Initializer.register("constant")
class Constant(Initializer):
    """One number everywhere.

    value: the number.
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def fill(self, parameter: Tensor) -> None:
        nn.init.constant_(parameter, self.value)
