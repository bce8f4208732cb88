"""An encoder that leaves its input as it is.

Shapes: B batch, T time steps, E input size.
"""

from typing import final

from torch import Tensor

from mtlkit.config import Runtime
from mtlkit.encoders.encoder import Encoder
from mtlkit.kernels.sequences import zero_padding


@final
@Encoder.register("pass_through")
class PassThroughEncoder(Encoder):
    """Gives the vectors that it reads, unchanged. It has no parameters.

    With `fully_shared`, heads then read the states of the embedder, such as those of a pretrained transformer that is
    tuned. In the place of a shared or private encoder, it gives the other one the embedder's vectors.
    """

    def __init__(self, *, input_dim: Runtime[int]) -> None:
        super().__init__()
        self.output_dim = input_dim

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return zero_padding(states_BTE, mask_BT)
