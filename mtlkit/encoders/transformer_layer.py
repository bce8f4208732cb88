"""A layer of a Transformer encoder.

Shapes: B batch, T time steps, D input and output size, H heads, S = D / H size of a head, R half of what is rotated.
"""

from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Runtime
from mtlkit.encoders.encoder import Encoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.sequences import zero_padding
from mtlkit.types import PositiveInt, Probability

BASE = 10000.0
"""The longest wavelength of rotary positions is 2π times this many words."""


@final
@Encoder.register("transformer_layer")
class TransformerLayerEncoder(Encoder):
    """Self-attention over the whole text, then a feed-forward network (Vaswani et al. 2017), each with a residual.

    Each part normalises what it reads (pre-norm; Xiong et al. 2020) and the activation is GELU, as in PyTorch's
    `TransformerEncoderLayer` with `norm_first`. States have the size of the input. Several layers are a `stacked`
    encoder.

    heads: number of attention heads, which must divide the input size.
    feedforward_dim: units of the feed-forward network; default 4 times the input size.
    dropout: of attention weights, of the feed-forward units, and of what each part adds to its residual.
    positions: `rotary` turns queries and keys by an angle that grows with the position, so that a score depends on the
        distance (Su et al. 2021), without a longest text. With `none` a text is a bag of words.

    Raises:
        ConfigError: the input size is not a multiple of `heads`, or heads of one number cannot be rotated.
    """

    def __init__(
        self,
        heads: PositiveInt = 4,
        feedforward_dim: PositiveInt | None = None,
        dropout: Probability = 0.0,
        positions: Literal["rotary", "none"] = "rotary",
        *,
        input_dim: Runtime[int],
    ) -> None:
        super().__init__()
        _check_heads(heads, input_dim, positions)
        units = feedforward_dim or 4 * input_dim
        self.output_dim = input_dim
        self.heads = heads
        self.is_rotary = positions == "rotary"
        self.dropout = nn.Dropout(dropout)
        self.norm_before_attention = nn.LayerNorm(input_dim)
        self.queries_keys_values = nn.Linear(input_dim, 3 * input_dim)
        self.attended = nn.Linear(input_dim, input_dim)
        self.norm_before_feedforward = nn.LayerNorm(input_dim)
        self.expand = nn.Linear(input_dim, units)
        self.contract = nn.Linear(units, input_dim)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        states_BTD = zero_padding(states_BTE, mask_BT)
        states_BTD = states_BTD + self.dropout(self._attend(self.norm_before_attention(states_BTD), mask_BT))
        units_BTF = self.dropout(F.gelu(self.expand(self.norm_before_feedforward(states_BTD))))
        return zero_padding(states_BTD + self.dropout(self.contract(units_BTF)), mask_BT)

    def _attend(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        split_BT3HS = self.queries_keys_values(states_BTD).unflatten(2, (3, self.heads, -1))
        queries_BHTS, keys_BHTS, values_BHTS = split_BT3HS.permute(2, 0, 3, 1, 4).unbind(0)
        if self.is_rotary:
            queries_BHTS, keys_BHTS = rotated(queries_BHTS), rotated(keys_BHTS)
        dropout = self.dropout.p if self.training else 0.0
        read_BHTS = F.scaled_dot_product_attention(
            queries_BHTS, keys_BHTS, values_BHTS, attn_mask=mask_BT[:, None, None], dropout_p=dropout
        )
        attended_BTD: Tensor = self.attended(read_BHTS.transpose(1, 2).flatten(2))
        return attended_BTD


def rotated(heads_BHTS: Tensor) -> Tensor:
    """Turns pairs of numbers by an angle that grows with the position, at a speed of its own for each pair.

    The product of a query and a key that were turned depends on the distance of their positions. The last number of
    heads of odd size is left as it is.
    """
    steps, half = heads_BHTS.shape[2], heads_BHTS.shape[3] // 2
    # In full precision: far positions differ by less than the rounding of half precision.
    full = torch.promote_types(heads_BHTS.dtype, torch.float32)
    speeds_R = BASE ** -(torch.arange(half, dtype=full, device=heads_BHTS.device) / half)
    angles_TR = torch.arange(steps, dtype=full, device=heads_BHTS.device).unsqueeze(1) * speeds_R
    cosines_TR, sines_TR = angles_TR.cos().to(heads_BHTS.dtype), angles_TR.sin().to(heads_BHTS.dtype)
    first, second, left = heads_BHTS.tensor_split((half, 2 * half), dim=3)
    return torch.cat([first * cosines_TR - second * sines_TR, second * cosines_TR + first * sines_TR, left], dim=3)


def _check_heads(heads: int, input_dim: int, positions: str) -> None:
    if input_dim % heads:
        fitting = [number for number in range(1, input_dim + 1) if input_dim % number == 0]
        nearest = min(fitting, key=lambda number: abs(number - heads))
        raise ConfigError(f"heads: {heads} heads cannot share an input of {input_dim} numbers evenly; take {nearest}")
    if positions == "rotary" and input_dim == heads:
        raise ConfigError(
            f"heads: with {heads} heads for an input of {input_dim} numbers, a head has one, which cannot be rotated; "
            "take fewer heads"
        )
