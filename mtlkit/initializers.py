"""Initialisers: what parameters begin as."""

from abc import abstractmethod
from typing import ClassVar, final

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.types import PositiveFloat


class Initializer(Component):
    """What a parameter begins as, in place of what its own module chose.

    Components build their parameters with beginnings of their own, mostly PyTorch's; `model.initializers` replaces
    those of the parameters that it names.
    """

    needs_matrix: ClassVar[bool] = False
    """Whether it makes sense for parameters of two and more dimensions only."""

    @abstractmethod
    def fill(self, parameter: Tensor) -> None:
        """Overwrites every number of a parameter in place, drawing from PyTorch's generator; called without gradient.

        Args:
            parameter: of any shape; of two dimensions and more if `needs_matrix`.
        """


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


class _MatrixInitializer(Initializer):
    """An initialiser of whole matrices, which are as large as its `gain` says."""

    needs_matrix: ClassVar[bool] = True

    def __init__(self, gain: PositiveFloat = 1.0) -> None:
        self.gain = gain


@final
@Initializer.register("orthogonal")
class Orthogonal(_MatrixInitializer):
    """A random matrix with orthonormal rows or columns (Saxe et al. 2014).

    An LSTM's weights are one matrix for its four gates, and are drawn as one.

    gain: factor of the matrix.
    """

    def fill(self, parameter: Tensor) -> None:
        nn.init.orthogonal_(parameter, self.gain)


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


@final
@Initializer.register("xavier_uniform")
class XavierUniform(_MatrixInitializer):
    """U(-a, a) with a² = 6 gain² / (rows + columns) (Glorot and Bengio 2010, eq. 16).

    An LSTM's weights are one matrix for its four gates, and are drawn as one.

    gain: factor of the bound.
    """

    def fill(self, parameter: Tensor) -> None:
        nn.init.xavier_uniform_(parameter, self.gain)
