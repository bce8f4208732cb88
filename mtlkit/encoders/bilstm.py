"""Bidirectional LSTM.

Shapes: B batch, T time steps, E input size, D state size (both directions), H half of it.
"""

from typing import ClassVar, final

from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.encoders.encoder import Encoder
from mtlkit.kernels.compute import Computing, Operation
from mtlkit.kernels.lstm.both_ways import both_ways
from mtlkit.types import PositiveInt


@final
@Encoder.register("bilstm")
class BilstmEncoder(Encoder, Computing):
    """Two LSTMs that read from left to right and from right to left, concatenated (Graves and Schmidhuber 2005).

    The right-to-left LSTM starts at each row's last valid word, not at its padding. Weights are initialised as PyTorch
    does, U(-1/√H, 1/√H). `hidden_dim` is H, the size of each direction.
    """

    operations: ClassVar[tuple[Operation, ...]] = ("lstm",)

    def __init__(self, hidden_dim: PositiveInt = 100, *, input_dim: Runtime[int]) -> None:
        super().__init__()
        self.output_dim = 2 * hidden_dim
        self.rightward = nn.LSTM(input_dim, hidden_dim, batch_first=True)
        self.leftward = nn.LSTM(input_dim, hidden_dim, batch_first=True)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return both_ways(self.rightward, self.leftward, states_BTE, mask_BT, self.compute, self.note)
