"""A uniform distribution."""

from typing import final

from torch import Tensor, nn

from mtlkit.initializers.initializer import Initializer
from mtlkit.types import PositiveFloat


@final
@Initializer.register("uniform")
class Uniform(Initializer):
    """U(-bound, bound); Liu et al. 2019 print U(-0.1, 0.1) for all but the word vectors.

    bound: the largest number.
    """

    def __init__(self, bound: PositiveFloat = 0.1) -> None:
        self.bound = bound

    def fill(self, parameter: Tensor) -> None:
        nn.init.uniform_(parameter, -self.bound, self.bound)
