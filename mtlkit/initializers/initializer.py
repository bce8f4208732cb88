"""The interface of initialisers."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor

from mtlkit.config import Component


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
