"""Encoders on top of each other.

Shapes: B batch, T time steps, E input size, D state size of the last layer.
"""

from typing import Annotated, final

from pydantic import Field
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders.encoder import Encoder
from mtlkit.types import Probability


@final
@Encoder.register("stacked")
class StackedEncoder(Encoder):
    """A stack of `layers`, each an encoder over the states of the one below; the first reads the input.

    `dropout` is applied between layers only: dropout of the input is the embedder's, that of the output the model's.
    """

    def __init__(
        self,
        layers: Annotated[list[Lazy[Encoder]], Field(min_length=1)],
        dropout: Probability = 0.0,
        *,
        input_dim: Runtime[int],
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.dropout = nn.Dropout(dropout)
        self.output_dim = input_dim
        for layer in layers:
            built = layer.build(input_dim=self.output_dim)
            self.layers.append(built)
            self.output_dim = built.output_dim

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        first, *others = self.layers
        states_BTD: Tensor = first(states_BTE, mask_BT)
        for layer in others:
            states_BTD = layer(self.dropout(states_BTD), mask_BT)
        return states_BTD
