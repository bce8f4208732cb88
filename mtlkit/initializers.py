"""Initialisers of parameters."""

from abc import abstractmethod
from typing import ClassVar, final

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.types import PositiveFloat


class Initializer(Component):
    """Sets the initial values of a parameter, in place of those that its own module chose.

    Components initialise their parameters themselves, mostly with PyTorch's defaults; `model.initializers` replaces the
    values of the parameters that it names.
    """

    needs_matrix: ClassVar[bool] = False
    """Whether the initialiser applies only to parameters with two or more dimensions."""

    @abstractmethod
    def fill(self, parameter: Tensor) -> None:
        """Overwrites all values of a parameter in place, drawing from PyTorch's global generator. Called without
        gradients.

        Args:
            parameter: of any shape, or with two or more dimensions if `needs_matrix`.
        """


@final
@Initializer.register("constant")
class Constant(Initializer):
    """Fills the parameter with one number.

    value: the number.
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def fill(self, parameter: Tensor) -> None:
        nn.init.constant_(parameter, self.value)


@final
@Initializer.register("normal")
class Normal(Initializer):
    """Draws from the normal distribution N(0, std²).

    std: standard deviation.
    """

    def __init__(self, std: PositiveFloat = 0.1) -> None:
        self.std = std

    def fill(self, parameter: Tensor) -> None:
        nn.init.normal_(parameter, std=self.std)


class _MatrixInitializer(Initializer):
    """An initialiser of whole matrices, scaled by `gain`."""

    needs_matrix: ClassVar[bool] = True

    def __init__(self, gain: PositiveFloat = 1.0) -> None:
        self.gain = gain


@final
@Initializer.register("orthogonal")
class Orthogonal(_MatrixInitializer):
    """Draws a random matrix with orthonormal rows or columns (Saxe et al. 2014).

    The weights of an LSTM are one matrix for all four gates, and are drawn as one.

    gain: factor of the matrix.
    """

    def fill(self, parameter: Tensor) -> None:
        nn.init.orthogonal_(parameter, self.gain)


@final
@Initializer.register("uniform")
class Uniform(Initializer):
    """Draws from the uniform distribution U(-bound, bound).

    Liu et al. 2019 use U(-0.1, 0.1) for all parameters except the word vectors.

    bound: the largest absolute value.
    """

    def __init__(self, bound: PositiveFloat = 0.1) -> None:
        self.bound = bound

    def fill(self, parameter: Tensor) -> None:
        nn.init.uniform_(parameter, -self.bound, self.bound)


@final
@Initializer.register("xavier_uniform")
class XavierUniform(_MatrixInitializer):
    """Draws from U(-a, a) with a² = 6 gain² / (rows + columns) (Glorot and Bengio 2010, eq. 16).

    The weights of an LSTM are one matrix for all four gates, and are drawn as one.

    gain: factor of the bound.
    """

    def fill(self, parameter: Tensor) -> None:
        nn.init.xavier_uniform_(parameter, self.gain)
