"""What every fast form of LSTM' with additive attention computes, in one set of names; the maths of the forms is here.

A step, from the products that are made beforehand (`projected` = W [x; 1] of gates and query, `keys` = W_m m):

    [o; i; f; z; q] = projected_t + recurrent h_{t-1}        sigmoid on o, i, f; tanh on z
    weights = softmax(score . tanh(q + keys)),  message = weights sources
    c_t = f c_{t-1} + i z,  [a; v] = fusion message,  g = sigmoid(a + cell c_t)
    y = tanh(c_t + g v),  h_t = o y

The order o, i, f, z keeps together the gates that share a function, and those that share a factor on the way back.
tanh(q + keys) has N x A values a step and is most of the work. It is never kept: the way back makes it again. Where
|q| and |keys| stay below `LARGEST`, it is 1 - 2 / (1 + e^2q e^2keys), one multiplication and one reciprocal per value,
with one exponential per key and sentence; the constant 1 does nothing under a softmax. Beyond that the product of
exponentials loses all its digits and the tanh is taken directly.

Shapes: B batch, T time steps, S = T + 1, E input size, D state size, N sources, M their size, A attention size,
P = 4D + A, F = 2D. Sources and keys are (B, N, ...), the same at each step, or (B, T, N, ...).
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

LARGEST = 40.0
"""e^2x e^2y keeps its digits while |x| and |y| are no greater: at 50 errors show in float32, at 150 all is lost."""


class Weights(NamedTuple):
    """The parameters that a step multiplies by."""

    recurrent_PD: Tensor
    fusion_FM: Tensor
    """W_r above W_f."""
    cell_DD: Tensor
    score_A: Tensor


class Steps(NamedTuple):
    """What the way there leaves for the way back: 12 D + A + N numbers per word, none of size N A per step."""

    states_SBD: Tensor
    """Zeros first, then h_1 to h_T; `cells_SBD` likewise."""
    cells_SBD: Tensor
    activations_TBP: Tensor
    """o, i, f, z, and q or e^2q."""
    weights_TBN: Tensor
    messages_TBM: Tensor
    fused_TBF: Tensor
    gates_TBD: Tensor
    outputs_TBD: Tensor
    """y."""
    keys: Tensor
    """As they were or e^2keys."""

    @classmethod
    def empty(cls, projected_TBP: Tensor, keys: Tensor, sources: Tensor, weights: Weights) -> "Steps":
        """Room for them, with a state and cell of zeros to begin from."""
        (steps, batch, width), dim = projected_TBP.shape, weights.cell_DD.shape[0]

        def room(*shape: int) -> Tensor:
            return projected_TBP.new_empty(*shape, batch, dim)

        states_SBD, cells_SBD = room(steps + 1), room(steps + 1)
        states_SBD[0].zero_()
        cells_SBD[0].zero_()
        return cls(
            states_SBD,
            cells_SBD,
            projected_TBP.new_empty(steps, batch, width),
            projected_TBP.new_empty(steps, batch, keys.shape[-2]),
            projected_TBP.new_empty(steps, batch, sources.shape[-1]),
            projected_TBP.new_empty(steps, batch, 2 * dim),
            room(steps),
            room(steps),
            keys,
        )


class Slopes(NamedTuple):
    """What the way back leaves: gradients of what each step's products came to, and of keys and score."""

    projected_TBP: Tensor
    fused_TBF: Tensor
    messages_TBM: Tensor
    keys: Tensor
    score_A: Tensor


class Recurrence(Protocol):
    """One way of running all steps there and all steps back."""

    name: str

    def padded(self, steps: int) -> int:
        """How many steps it takes for so many: what comes after the last one changes nothing before it."""

    def prefers_exponentials(self, sources: Tensor) -> bool:
        """Whether one exponential per key, if all are bounded, costs less here than a tanh per key and step."""

    def forward(
        self,
        projected_TBP: Tensor,
        keys: Tensor,
        sources: Tensor,
        padding_BN: Tensor | None,
        weights: Weights,
        reciprocal: bool,
    ) -> Steps:
        """`padding_BN` is true at sources that may not be read; `reciprocal` says which form the tanh takes.

        `sources` and `weights` are contiguous. `keys` may be overwritten.
        """

    def backward(
        self, gradient_TBD: Tensor, sources: Tensor, weights: Weights, steps: Steps, reciprocal: bool
    ) -> Slopes:
        """`gradient_TBD`: of the states h_1 to h_T."""


def is_bounded(projected_TBP: Tensor, keys: Tensor, weights: Weights) -> bool:
    """Whether |q| and |keys| are certain to stay within `LARGEST`, as |h| < 1. Never but on a CPU: it would wait."""
    if projected_TBP.device.type != "cpu":
        return False
    size = weights.score_A.shape[0]
    from_state_A = weights.recurrent_PD[-size:].abs().sum(dim=1)
    queries_TBA, (least, most) = projected_TBP[..., -size:], keys.aminmax()
    largest = torch.maximum(queries_TBA.max(), -queries_TBA.min()) + from_state_A.max()
    return bool(torch.maximum(torch.maximum(most, -least), largest) <= LARGEST)
