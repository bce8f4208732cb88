"""A bidirectional LSTM over right-padded batches, given as one LSTM per direction.

`plain_both_ways` is the reference. If compiled kernels are available, a CPU runs both directions as one operation,
without reversing anything and without computing padding.

Shapes: B batch, T time steps, E input size, H state size, D = 2H.
"""

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mtlkit.kernels.choice import lstm_for
from mtlkit.kernels.compute import AUTOMATIC, Compute, Note, unnoted
from mtlkit.kernels.lstm.compiled import CompiledLstm, Rows, Steps, Weights
from mtlkit.kernels.postponing import seconds_of_lstm
from mtlkit.kernels.sequences import reverse_within_length, zero_padding


def both_ways(
    rightward: nn.LSTM,
    leftward: nn.LSTM,
    inputs_BTE: Tensor,
    mask_BT: Tensor,
    compute: Compute = AUTOMATIC,
    note: Note = unnoted,
) -> Tensor:
    """Computes the concatenated states (B, T, D) of both LSTMs, zero at padding.

    Both must have one layer, one direction and the same size. A row of the mask may be empty.

    Raises:
        ConfigError: compiled kernels were requested and are not available on the device.
    """
    dtypes = {inputs_BTE.dtype, rightward.weight_ih_l0.dtype, leftward.weight_ih_l0.dtype}
    is_fit = len(dtypes) == 1 and dtypes <= CompiledLstm.dtypes and not torch.is_autocast_enabled("cpu")
    # What could not use a library builds none, and saves nothing by one.
    saves = seconds_of_lstm(mask_BT.shape[1], mask_BT.numel()) if is_fit else 0.0
    kernel = lstm_for(inputs_BTE.device, compute, saves)
    if kernel is None or not is_fit:
        note("lstm", "torch")
        return plain_both_ways(rightward, leftward, inputs_BTE, mask_BT)
    note("lstm", "compiled")
    parameters = (*rightward.all_weights[0], *leftward.all_weights[0])
    apply: Callable[..., Tensor] = _BothWays.apply
    return apply(kernel, inputs_BTE, mask_BT, *parameters)


def plain_both_ways(rightward: nn.LSTM, leftward: nn.LSTM, inputs_BTE: Tensor, mask_BT: Tensor) -> Tensor:
    """Computes the states (B, T, D) of both directions with torch's own LSTM, zero at padding.

    The leftward LSTM reads each row reversed within its own length, which is exact without packed sequences. Packing is
    4 to 8 times slower on a CPU.
    """
    rightward_BTH, _ = rightward(inputs_BTE)
    reversed_BTH, _ = leftward(reverse_within_length(inputs_BTE, mask_BT))
    leftward_BTH = reverse_within_length(reversed_BTH, mask_BT)
    return zero_padding(torch.cat([rightward_BTH, leftward_BTH], dim=-1), mask_BT)


@final
class _BothWays(torch.autograd.Function):
    """Both directions as one node of the graph. Its parameters are those of each direction in turn, in the order of
    `Weights`.
    """

    @staticmethod
    def forward(ctx: Any, kernel: CompiledLstm, inputs_BTE: Tensor, mask_BT: Tensor, *parameters: Tensor) -> Tensor:
        inputs_BTE, rows, weights = inputs_BTE.contiguous(), Rows.of(mask_BT), _by_direction(parameters)
        dim = weights[0].recurrent_GH.shape[1]
        states_BTD = inputs_BTE.new_empty(*inputs_BTE.shape[:2], 2 * dim)
        kept: list[Tensor] = []
        for leftward, own_BTH in enumerate(states_BTD.chunk(2, dim=2)):
            kept += kernel.forward(inputs_BTE, rows, weights[leftward], own_BTH, bool(leftward))
        ctx.kernel, ctx.num_words, ctx.shape = kernel, rows.num_words, inputs_BTE.shape
        ctx.save_for_backward(rows.lengths_B, rows.order_B, *parameters, *kept)
        return states_BTD

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BTD: Tensor) -> tuple[Tensor | None, ...]:
        lengths_B, order_B, *saved = ctx.saved_tensors
        rows, size = Rows(lengths_B, order_B, ctx.num_words), 2 * len(Weights._fields)
        weights, kept = _by_direction(saved[:size]), saved[size:]
        steps = (Steps(*kept[: len(kept) // 2]), Steps(*kept[len(kept) // 2 :]))
        _, of_inputs, _, *of_parameters = ctx.needs_input_grad
        # Zeros, since both directions add to it, and neither does at padding.
        slope_inputs_BTE = gradient_BTD.new_zeros(ctx.shape) if of_inputs else None
        slopes: list[Tensor | None] = []
        for leftward, own_BTH in enumerate(gradient_BTD.contiguous().chunk(2, dim=2)):
            wanted = _by_direction(of_parameters)[leftward]
            slopes += ctx.kernel.backward(
                own_BTH, rows, weights[leftward], steps[leftward], bool(leftward), slope_inputs_BTE, wanted
            )
        return None, slope_inputs_BTE, None, *slopes


def _by_direction(values: Any) -> tuple[Any, Any]:
    size = len(Weights._fields)
    return Weights(*values[:size]), Weights(*values[size:])
