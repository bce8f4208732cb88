"""Encoders of one layer: LSTM, BiLSTM and CNN.

Shapes: B batch, T time steps, E input size, D output size.
"""

from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Runtime
from mtlkit.encoders.encoder import Encoder
from mtlkit.kernels.compute import Computing, Operation
from mtlkit.kernels.lstm.both_ways import both_ways
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


@final
@Encoder.register("cnn")
class CnnEncoder(Encoder):
    """One convolution and ReLU (Collobert et al. 2011); each state depends on the `width` words around its own.

    `filters` is D, the size of the states. Texts are padded with zeros at both ends, so that there are as many states
    as words. A window of even width reaches one word further to the right than to the left.
    """

    def __init__(self, filters: PositiveInt = 100, width: PositiveInt = 3, *, input_dim: Runtime[int]) -> None:
        super().__init__()
        self.output_dim = filters
        self.reach = ((width - 1) // 2, width // 2)
        self.convolution = nn.Conv1d(input_dim, filters, width)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        inputs_BET = F.pad(zero_padding(states_BTE, mask_BT).transpose(1, 2), self.reach)
        states_BTD = torch.relu(self.convolution(inputs_BET)).transpose(1, 2)
        return zero_padding(states_BTD, mask_BT)
