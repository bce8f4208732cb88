"""Reconstructs how far LSTM' opened its gate to each message, for traces only; training does not use it.

Shapes: B batch, T time steps, E input size, D state size, M message size.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.kernels.precision import full_precision
from mtlkit.kernels.recurrence.message_passing import FusionWeights


@torch.no_grad()
def message_gates(
    inputs_BTE: Tensor,
    states_BTD: Tensor,
    messages_BTM: Tensor,
    lstm: nn.LSTM,
    fusion: FusionWeights,
    bias_D: Tensor | None = None,
) -> Tensor:
    """Computes the message gates (B, T, D) of eq. 11 of Liu et al. 2019 for all steps of a finished run.

    Once the fused states are known, the LSTM's gates need no recurrence. The cell is a scan of elementwise products,
    and g_t = sigmoid(W_r r_t + W_c c_t) is one product for all steps. So no implementation of the recurrence has to
    store the gates.

    Args:
        inputs_BTE, lstm, fusion: the arguments of the run.
        states_BTD: the fused states that it returned.
        messages_BTM: the messages that it read at each step.
        bias_D: the bias of the gate, if there is one: g_t = sigmoid(W_r r_t + W_c c_t + b).
    """
    input_GE, recurrent_GD, input_bias_G, recurrent_bias_G = lstm.all_weights[0]
    full = recurrent_GD.dtype
    with full_precision(states_BTD.device):
        previous_BTD = F.pad(states_BTD[:, :-1].to(full), (0, 0, 1, 0))
        from_input_BTG = F.linear(inputs_BTE.to(full), input_GE, input_bias_G + recurrent_bias_G)
        # In torch's order of gates, which is not that of the fast forms: the weights are those of nn.LSTM itself.
        enter_BTD, keep_BTD, candidate_BTD, _ = (from_input_BTG + F.linear(previous_BTD, recurrent_GD)).chunk(4, dim=-1)
        cells = _scan(keep_BTD.sigmoid(), enter_BTD.sigmoid() * candidate_BTD.tanh())
        return (F.linear(messages_BTM.to(full), fusion.W_r, bias_D) + F.linear(cells, fusion.W_c)).sigmoid()


def _scan(factors_BTD: Tensor, terms_BTD: Tensor) -> Tensor:
    """Computes c_t = factor_t c_{t-1} + term_t, starting from zeros."""
    cells_TBD: list[Tensor] = []
    for factor_BD, term_BD in zip(factors_BTD.unbind(1), terms_BTD.unbind(1), strict=True):
        cells_TBD.append(torch.addcmul(term_BD, factor_BD, cells_TBD[-1]) if cells_TBD else term_BD)
    return torch.stack(cells_TBD, dim=1)
