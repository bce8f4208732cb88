"""Plain LSTMs over right-padded batches, in one direction or in both.

Shapes: B batch, T time steps, E input size, H state size, D = H or 2H, G = 4H, R all valid words.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mtlkit.kernels.compiled_lstm import CompiledLstm, Rows, Steps, Weights, compiled_lstm

Tensors = tuple[Tensor, ...]


def fast_states(kernel: CompiledLstm, lstms: Sequence[nn.LSTM], inputs_BTE: Tensor, mask_BT: Tensor) -> Tensor:
    weights = [parameter for lstm in lstms for parameter in lstm.all_weights[0]]
    apply: Callable[..., Tensor] = _Lstm.apply
    return apply(kernel, inputs_BTE, mask_BT, *weights)


@final
class _Lstm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, kernel: CompiledLstm, inputs_BTE: Tensor, mask_BT: Tensor, *parameters: Tensor) -> Tensor:
        inputs_BTE, rows = inputs_BTE.contiguous(), Rows.of(mask_BT)
        directions = [Weights(*parameters[first : first + 4]) for first in range(0, len(parameters), 4)]
        dim = directions[0].recurrent_GH.shape[1]
        states_BTD = inputs_BTE.new_empty(*inputs_BTE.shape[:2], dim * len(directions))
        kept: list[Tensor] = []
        for leftward, weights in enumerate(directions):
            own_BTH = states_BTD[..., leftward * dim : (leftward + 1) * dim]
            kept += kernel.forward(inputs_BTE, rows, weights, own_BTH, bool(leftward))
        ctx.kernel, ctx.num_words, ctx.shape = kernel, rows.num_words, inputs_BTE.shape
        ctx.save_for_backward(rows.lengths_B, rows.order_B, *parameters, *kept)
        return states_BTD

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BTD: Tensor) -> tuple[Tensor | None, ...]:
        lengths_B, order_B, *saved = ctx.saved_tensors
        rows, number = Rows(lengths_B, order_B, ctx.num_words), len(saved) // 9
        gradient_BTD = gradient_BTD.contiguous()
        dim = gradient_BTD.shape[2] // number
        slope_inputs_BTE = gradient_BTD.new_zeros(ctx.shape) if ctx.needs_input_grad[1] else None
        slopes: list[Tensor] = []
        for leftward in range(number):
            weights = Weights(*saved[4 * leftward : 4 * leftward + 4])
            steps = Steps(*saved[4 * number + 5 * leftward : 4 * number + 5 * leftward + 5])
            own_BTH = gradient_BTD[..., leftward * dim : (leftward + 1) * dim]
            slopes += ctx.kernel.backward(own_BTH, rows, weights, steps, bool(leftward), slope_inputs_BTE)
        return None, slope_inputs_BTE, None, *slopes
