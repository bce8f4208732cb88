"""The interface of encoders.

Shapes: B batch, T time steps, E input size, D state size.
"""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.kernels.compute import Operation


class Encoder(nn.Module, Component, offers=("input_dim", "files")):
    """Turns a sequence of vectors into a sequence of states of the same length.

    Given at build: `input_dim`, the size E of the vectors; `files` (Path or None), the folder of what it has saved (see
    `Component`).
    """

    output_dim: int
    """The size D of the states."""

    operations: ClassVar[tuple[Operation, ...]] = ()
    """Its operations that `trainer.kernels` chooses an implementation of. An encoder that has some is `Computing`."""

    @abstractmethod
    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        """The states (B, T, D), zero at padding.

        `mask_BT` is boolean and true on a non-empty prefix of each row. What stands at padding must not change the
        states of valid steps, nor may the amount of padding.
        """
