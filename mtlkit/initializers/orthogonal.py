"""Orthogonal matrices."""

from typing import ClassVar, final

from torch import Tensor, nn

from mtlkit.initializers.initializer import Initializer
from mtlkit.types import PositiveFloat


@final
@Initializer.register("orthogonal")
class Orthogonal(Initializer):
    """A random matrix with orthonormal rows or columns (Saxe et al. 2014).

    An LSTM's weights are one matrix for its four gates, and are drawn as one.

    gain: factor of the matrix.
    """

    needs_matrix: ClassVar[bool] = True

    def __init__(self, gain: PositiveFloat = 1.0) -> None:
        self.gain = gain

    def fill(self, parameter: Tensor) -> None:
        nn.init.orthogonal_(parameter, self.gain)
