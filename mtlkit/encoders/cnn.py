"""Convolution over words.

Shapes: B batch, T time steps, E input size, D state size (number of filters).
"""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Runtime
from mtlkit.encoders.encoder import Encoder
from mtlkit.kernels.sequences import zero_padding
from mtlkit.types import PositiveInt


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
