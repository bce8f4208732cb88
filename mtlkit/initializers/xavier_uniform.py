"""Xavier initialisation."""

from typing import ClassVar, final

from torch import Tensor, nn

from mtlkit.initializers.initializer import Initializer
from mtlkit.types import PositiveFloat


@final
@Initializer.register("xavier_uniform")
class XavierUniform(Initializer):
    """U(-a, a) with a² = 6 gain² / (rows + columns) (Glorot and Bengio 2010, eq. 16).

    An LSTM's weights are one matrix for its four gates, and are drawn as one.

    gain: factor of the bound.
    """

    needs_matrix: ClassVar[bool] = True

    def __init__(self, gain: PositiveFloat = 1.0) -> None:
        self.gain = gain

    def fill(self, parameter: Tensor) -> None:
        nn.init.xavier_uniform_(parameter, self.gain)
