"""LSTM' with additive attention in a `scan`. Names follow attentive_recurrence.py.

Shapes: B batch, T time steps, S = T + 1, D state size, N sources, M their size, A attention size, P = 4D + A, F = 2D.
Sources and keys are (B, N, ...), the same at each step, or (B, T, N, ...).
"""

from typing import NoReturn, final

import torch
from torch import Tensor
from torch.nn import functional as F

from mtlkit.kernels.recurrence.attentive_recurrence import Steps, Weights
from mtlkit.kernels.scans.networks import scan


@final
class ScannedRecurrence:
    """Runs where `torch.export` looks on, for any number of steps. It has no backward pass: what is exported is not
    trained.
    """

    name = "scan"

    def padded(self, steps: int) -> int:
        return steps

    def prefers_exponentials(self, sources: Tensor) -> bool:
        return False  # whether they are accurate depends on the data

    def forward(
        self,
        projected_TBP: Tensor,
        keys: Tensor,
        sources: Tensor,
        padding_BN: Tensor | None,
        weights: Weights,
        reciprocal: bool,
    ) -> Steps:
        """Runs all steps. Of the results, only the states and the weights of the sources are there."""
        assert not reciprocal, "not asked for"
        batch, dim = projected_TBP.shape[1], weights.cell_DD.shape[0]
        zeros_BD = projected_TBP.new_zeros(batch, dim)
        carried = [zeros_BD, zeros_BD.clone()]
        if padding_BN is None:
            padding_BN = sources.new_zeros(batch, sources.shape[-2], dtype=torch.bool)
        by_step, constants = [projected_TBP, keys, sources], [padding_BN, *weights]
        if sources.dim() == 4:
            by_step[1:] = keys.transpose(0, 1), sources.transpose(0, 1)
        else:
            constants = [*by_step[1:], *constants]
            del by_step[1:]
        _, (states_TBD, weights_TBN) = scan(_step, carried, by_step, constants)
        nothing = projected_TBP.new_empty(0)
        states_SBD = torch.cat([zeros_BD.unsqueeze(0), states_TBD])
        return Steps(states_SBD, nothing, nothing, weights_TBN, nothing, nothing, nothing, nothing, nothing)

    def backward(self, *_: object) -> NoReturn:
        raise RuntimeError("the recurrence of exported programs has no backward pass")


def _step(
    state_BD: Tensor,
    cell_BD: Tensor,
    projected_BP: Tensor,
    keys_BNA: Tensor,
    sources_BNM: Tensor,
    padding_BN: Tensor,
    recurrent_PD: Tensor,
    fusion_FM: Tensor,
    cell_DD: Tensor,
    score_A: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    dim = cell_DD.shape[0]
    whole_BP = projected_BP + F.linear(state_BD, recurrent_PD)
    leave_BD, enter_BD, keep_BD, candidate_BD, query_BA = whole_BP.split([dim] * 4 + [score_A.shape[0]], dim=1)
    scores_BN = (query_BA.unsqueeze(1) + keys_BNA).tanh() @ score_A
    weights_BN = scores_BN.masked_fill(padding_BN, -torch.inf).softmax(dim=1)
    message_BM = torch.bmm(weights_BN.unsqueeze(1), sources_BNM).squeeze(1)
    cell_BD = keep_BD.sigmoid() * cell_BD + enter_BD.sigmoid() * candidate_BD.tanh()
    to_gate_BD, value_BD = F.linear(message_BM, fusion_FM).split(dim, dim=1)
    gate_BD = (to_gate_BD + F.linear(cell_BD, cell_DD)).sigmoid()
    state_BD = leave_BD.sigmoid() * (cell_BD + gate_BD * value_BD).tanh()
    return state_BD, cell_BD, state_BD.clone(), weights_BN
