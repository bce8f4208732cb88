"""The gate through which a message enters a network's state.

Shapes: B batch, D state size, M message size.
"""

from typing import final

from torch import Tensor, nn

from mtlkit.kernels.recurrence.message_passing import FusionWeights


@final
class MessageGate(nn.Module):
    """Adds a gated message to a cell: c + g * (W_f r), with g = sigmoid(W_r r + W_c c) (Liu et al. 2019, eqs. 10, 11).

    The result is what the LSTM's output gate reads. It does not replace the cell: the next step continues from c, so
    that a message reaches later steps only through the states (eq. 9). There are no biases, as printed; with a zero
    message the network is therefore exactly the plain LSTM.
    """

    def __init__(self, message_dim: int, state_dim: int) -> None:
        super().__init__()
        self.gate_message = nn.Linear(message_dim, state_dim, bias=False)
        self.gate_cell = nn.Linear(state_dim, state_dim, bias=False)
        self.fusion = nn.Linear(message_dim, state_dim, bias=False)

    def weights(self) -> FusionWeights:
        """The three weight matrices, as the fused recurrences take them."""
        return FusionWeights(self.gate_message.weight, self.gate_cell.weight, self.fusion.weight)

    def forward(self, cell_BD: Tensor, message_BM: Tensor) -> Tensor:
        """The cell (B, D) with the message added."""
        gate_BD = (self.gate_message(message_BM) + self.gate_cell(cell_BD)).sigmoid()
        fused_BD: Tensor = cell_BD + gate_BD * self.fusion(message_BM)
        return fused_BD
