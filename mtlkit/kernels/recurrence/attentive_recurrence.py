"""The interface and the mathematics shared by all fast forms of LSTM' with additive attention.

A step, from the products that are computed beforehand (`projected` = W [x; 1] for gates and query, `keys` = W_m m):

    [o; i; f; z; q] = projected_t + recurrent h_{t-1}        sigmoid on o, i, f; tanh on z
    weights = softmax(score . tanh(q + keys)),  message = weights sources
    c_t = f c_{t-1} + i z,  [a; v] = fusion message,  g = sigmoid(a + cell c_t)
    y = tanh(c_t + g v),  h_t = o y

The order o, i, f, z keeps adjacent the gates that share an activation function, and those that share a factor in the
backward pass.
tanh(q + keys) has N x A values per step and is most of the work. It is never stored: the backward pass recomputes it.
While |q| and |keys| stay below `LARGEST`, it equals 1 - 2 / (1 + e^2q e^2keys), which takes one multiplication and one
reciprocal per value, and one exponential per key and sentence; the constant 1 has no effect under a softmax. Beyond
that bound the product of exponentials loses all its digits, and the tanh is computed directly.

Shapes: B batch, T time steps, S = T + 1, E input size, D state size, N sources, M their size, A attention size,
P = 4D + A, F = 2D. Sources and keys are (B, N, ...), the same at each step, or (B, T, N, ...).
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

LARGEST = 40.0
"""The bound on |x| and |y| within which e^2x e^2y is accurate: at 50 float32 shows errors, at 150 no digit is right."""


class Weights(NamedTuple):
    """The parameters that each step multiplies by."""

    recurrent_PD: Tensor
    fusion_FM: Tensor
    """W_r stacked on W_f, (F, M)."""
    cell_DD: Tensor
    score_A: Tensor


class Steps(NamedTuple):
    """Intermediate values that the backward pass needs: 12 D + A + N numbers per word, and nothing of size N A per
    step.
    """

    states_SBD: Tensor
    """The states (S, B, D): zeros, then h_1 to h_T. `cells_SBD` holds the cells likewise."""
    cells_SBD: Tensor
    activations_TBP: Tensor
    """The activations (T, B, P) of o, i, f and z, followed by q or e^2q."""
    weights_TBN: Tensor
    messages_TBM: Tensor
    fused_TBF: Tensor
    gates_TBD: Tensor
    outputs_TBD: Tensor
    """The outputs y, (T, B, D)."""
    keys: Tensor
    """The keys as given, or e^2keys."""

    @classmethod
    def empty(cls, projected_TBP: Tensor, keys: Tensor, sources: Tensor, weights: Weights) -> "Steps":
        """Allocates the tensors, with a state and a cell of zeros to begin from."""
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
    """Results of the backward pass: gradients of each step's products, and of keys and score."""

    projected_TBP: Tensor
    fused_TBF: Tensor
    messages_TBM: Tensor
    keys: Tensor
    score_A: Tensor


class Recurrence(Protocol):
    """An implementation of all steps forward and all steps backward."""

    name: str

    def padded(self, steps: int) -> int:
        """Returns how many steps to compute for `steps`. Those added at the end do not affect earlier ones."""

    def prefers_exponentials(self, sources: Tensor) -> bool:
        """Returns whether exponentials of bounded keys are cheaper here than a tanh per key and step."""

    def forward(
        self,
        projected_TBP: Tensor,
        keys: Tensor,
        sources: Tensor,
        padding_BN: Tensor | None,
        weights: Weights,
        reciprocal: bool,
    ) -> Steps:
        """Runs all steps. `padding_BN` is true at sources that must not be read; `reciprocal` selects the form of the
        tanh.

        `sources` and `weights` must be contiguous. `keys` may be overwritten.
        """

    def backward(
        self, gradient_TBD: Tensor, sources: Tensor, weights: Weights, steps: Steps, reciprocal: bool
    ) -> Slopes:
        """Computes the gradients, given the gradient (T, B, D) of the states h_1 to h_T."""


def is_bounded(projected_TBP: Tensor, keys: Tensor, weights: Weights) -> bool:
    """Returns whether |q| and |keys| are guaranteed to stay within `LARGEST`, using |h| < 1. Always False except on a
    CPU, since elsewhere the host would have to wait for the answer.
    """
    if projected_TBP.device.type != "cpu":
        return False
    size = weights.score_A.shape[0]
    from_state_A = weights.recurrent_PD[-size:].abs().sum(dim=1)
    queries_TBA, (least, most) = projected_TBP[..., -size:], keys.aminmax()
    largest = torch.maximum(queries_TBA.max(), -queries_TBA.min()) + from_state_A.max()
    return bool(torch.maximum(torch.maximum(most, -least), largest) <= LARGEST)
