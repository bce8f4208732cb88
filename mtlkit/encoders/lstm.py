"""One-way LSTM.

Shapes: B batch, T time steps, E input size, D state size.
"""

from typing import final

from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.encoders.encoder import Encoder
from mtlkit.kernels.sequences import zero_padding
from mtlkit.types import PositiveInt


@final
@Encoder.register("lstm")
class LstmEncoder(Encoder):
    """An LSTM that reads from left to right (Hochreiter and Schmidhuber 1997; with forget gates, without peepholes).

    Weights and biases are initialised as PyTorch does, U(-1/√D, 1/√D). Liu et al. 2019 print U(-0.1, 0.1), which is
    the same at D = 100. Batches are not packed: padding is to the right of all words, so that it cannot reach a valid
    state of a one-way LSTM, and packing is 4 to 8 times slower on a CPU. `hidden_dim` is D, the size of the states.
    """

    def __init__(self, hidden_dim: PositiveInt = 100, *, input_dim: Runtime[int]) -> None:
        super().__init__()
        self.output_dim = hidden_dim
        self.lstm = nn.LSTM(input_dim, hidden_dim, batch_first=True)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        states_BTD, _ = self.lstm(states_BTE)
        return zero_padding(states_BTD, mask_BT)
