"""The gate through which a message enters a network's state.

Shapes: D state size, M message size; `...` any leading dimensions.
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

    A departure for experiments is a learned bias b of the gate, g = sigmoid(W_r r + W_c c + b), so that training can
    begin with gates that are nearly open or nearly closed.
    """

    def __init__(self, message_dim: int, state_dim: int, bias: float | None = None) -> None:
        """`bias`: what each number of b begins as; None for no bias."""
        super().__init__()
        self.gate_message = nn.Linear(message_dim, state_dim, bias=bias is not None)
        if bias is not None:
            nn.init.constant_(self.gate_message.bias, bias)
        self.gate_cell = nn.Linear(state_dim, state_dim, bias=False)
        self.fusion = nn.Linear(message_dim, state_dim, bias=False)

    def weights(self) -> FusionWeights:
        """The three weight matrices, as the fused recurrences take them; the bias is not among them."""
        return FusionWeights(self.gate_message.weight, self.gate_cell.weight, self.fusion.weight)

    @property
    def bias_D(self) -> Tensor | None:
        """b, if there is one."""
        return self.gate_message.bias

    def opened(self, cell: Tensor, message: Tensor) -> Tensor:
        """How far the gate is open, from 0 to 1 (eq. 11): cells (..., D) and messages (..., M) to (..., D)."""
        opened: Tensor = (self.gate_message(message) + self.gate_cell(cell)).sigmoid()
        return opened

    def forward(self, cell: Tensor, message: Tensor) -> Tensor:
        """The cells (..., D) with the messages (..., M) added."""
        fused: Tensor = cell + self.opened(cell, message) * self.fusion(message)
        return fused
