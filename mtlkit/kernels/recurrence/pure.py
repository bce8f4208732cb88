"""LSTM' with additive attention in plain PyTorch with a hand-written backward pass. Names follow
attentive_recurrence.py.

The loops bypass autograd: every step writes into memory allocated beforehand, whose views are created once, by
`unbind`. Everything that does not depend on the recurrence is computed for all steps at once. Nothing here synchronises
with the device, so the loops can be captured as CUDA graphs.
"""

from typing import NamedTuple, final

import torch
from torch import Tensor

from mtlkit.kernels.recurrence.attentive_recurrence import Slopes, Steps, Weights

Views = tuple[Tensor, ...]
"""One tensor per time step."""


@final
class PureRecurrence:
    """Runs on any device, in float32 and float64."""

    name = "pure"

    def padded(self, steps: int) -> int:
        return steps

    def prefers_exponentials(self, sources: Tensor) -> bool:
        return True

    def forward(
        self,
        projected_TBP: Tensor,
        keys: Tensor,
        sources: Tensor,
        padding_BN: Tensor | None,
        weights: Weights,
        reciprocal: bool,
    ) -> Steps:
        keys = keys.mul_(2).exp_() if reciprocal else keys
        steps = Steps.empty(projected_TBP, keys, sources, weights)
        attention = _Attention(steps, sources, weights.score_A, reciprocal)
        penalty_BN = None
        if padding_BN is not None:
            penalty_BN = torch.zeros_like(padding_BN, dtype=keys.dtype).masked_fill_(padding_BN, -torch.inf)
        _run(projected_TBP, steps, attention, penalty_BN, weights)
        return steps

    def backward(
        self, gradient_TBD: Tensor, sources: Tensor, weights: Weights, steps: Steps, reciprocal: bool
    ) -> Slopes:
        attention = _Attention(steps, sources, weights.score_A, reciprocal)
        slopes = _room(steps, reciprocal)
        _run_back(gradient_TBD, steps, attention, slopes, weights)
        return slopes._replace(keys=attention.slope_keys(), score_A=attention.slope_score())


def _run(projected_TBP: Tensor, steps: Steps, attention: "_Attention", penalty_BN: Tensor | None, w: Weights) -> None:
    dim = w.cell_DD.shape[0]
    recurrent_DP, fusion_MF, cell_DD = w.recurrent_PD.t(), w.fusion_FM.t(), w.cell_DD.t()
    parts = _Parts.of(steps.activations_TBP, dim)
    states, cells, messages = steps.states_SBD.unbind(0), steps.cells_SBD.unbind(0), steps.messages_TBM.unbind(0)
    fused, gates, outputs = steps.fused_TBF.unbind(0), steps.gates_TBD.unbind(0), steps.outputs_TBD.unbind(0)
    # Of states and cells, a step reads its own place, which holds what was before it, and writes the next one.
    # Views are created here, once, rather than at every step, where each would cost a call into torch.
    to_gate, values = steps.fused_TBF[..., :dim].unbind(0), steps.fused_TBF[..., dim:].unbind(0)
    for time, projected_BP in enumerate(projected_TBP.unbind(0)):
        torch.addmm(projected_BP, states[time], recurrent_DP, out=parts.whole[time])
        parts.sigmoid[time].sigmoid_()
        parts.candidate[time].tanh_()
        attention.read(time, penalty_BN)
        cell_BD = torch.mul(parts.keep[time], cells[time], out=cells[time + 1])
        cell_BD.addcmul_(parts.enter[time], parts.candidate[time])
        torch.mm(messages[time], fusion_MF, out=fused[time])
        gate_BD = torch.addmm(to_gate[time], cell_BD, cell_DD, out=gates[time]).sigmoid_()
        output_BD = torch.addcmul(cell_BD, gate_BD, values[time], out=outputs[time]).tanh_()
        torch.mul(parts.leave[time], output_BD, out=states[time + 1])


def _run_back(gradient_TBD: Tensor, steps: Steps, attention: "_Attention", slopes: Slopes, w: Weights) -> None:
    dim = w.cell_DD.shape[0]
    factors, parts = _Factors.of(steps, dim), _Parts.of(slopes.projected_TBP, dim)
    length, batch, _ = gradient_TBD.shape
    to_cell = slopes.projected_TBP[..., dim : 4 * dim].view(length, batch, 3, dim).unbind(0)
    fused, to_gate = slopes.fused_TBF.unbind(0), slopes.fused_TBF[..., :dim].unbind(0)
    to_fused = slopes.fused_TBF.view(length, batch, 2, dim).unbind(0)
    messages, gradients = slopes.messages_TBM.unbind(0), gradient_TBD.unbind(0)
    state_BD, cell_BD = torch.zeros_like(gradients[0]), torch.zeros_like(gradients[0])
    sum_BD = torch.empty_like(cell_BD)
    # These views share memory with cell_BD and sum_BD, which the loop only changes in place, so they are always
    # current.
    cell_B1D, sum_B1D = cell_BD.unsqueeze(1), sum_BD.unsqueeze(1)
    for time in reversed(range(length)):
        # state_BD and cell_BD hold what reaches h_t and c_t from later steps; h_t's own gradient is added first.
        state_BD.add_(gradients[time])
        torch.mul(state_BD, factors.leave[time], out=parts.leave[time])
        torch.mul(state_BD, factors.output[time], out=sum_BD)
        torch.mul(factors.fused[time], sum_B1D, out=to_fused[time])
        # The cell enters y both directly and through the gate g. Its gradient needs both before anything uses it.
        cell_BD.add_(sum_BD).addmm_(to_gate[time], w.cell_DD)
        torch.mm(fused[time], w.fusion_FM, out=messages[time])
        attention.read_back(time, messages[time], parts.query[time])
        torch.mul(factors.cell[time], cell_B1D, out=to_cell[time])
        cell_BD.mul_(factors.keep[time])  # from here on, the gradient of c_(t-1)
        # Last, since `whole` is complete only now: read_back writes its query, the lines above its gates.
        torch.mm(parts.whole[time], w.recurrent_PD, out=state_BD)


def _room(steps: Steps, reciprocal: bool) -> Slopes:
    """Allocates the gradients of the steps. Those of keys and score are held by `_Attention`."""
    nothing = steps.keys.new_empty(0)
    return Slopes(
        torch.empty_like(steps.activations_TBP),
        torch.empty_like(steps.fused_TBF),
        torch.empty_like(steps.messages_TBM),
        nothing,
        nothing,
    )


class _Parts(NamedTuple):
    """Views of the components of a tensor (T, B, P), one per step."""

    whole: Views
    sigmoid: Views
    leave: Views
    enter: Views
    keep: Views
    candidate: Views
    query: Views

    @classmethod
    def of(cls, tensor_TBP: Tensor, dim: int) -> "_Parts":
        def views(start: int, end: int | None) -> Views:
            return tensor_TBP[..., start:end].unbind(0)

        return cls(
            views(0, None),
            views(0, 3 * dim),
            views(0, dim),
            views(dim, 2 * dim),
            views(2 * dim, 3 * dim),
            views(3 * dim, 4 * dim),
            views(4 * dim, None),
        )


class _Factors(NamedTuple):
    """The factors that gradients are multiplied by in each step, computed for all steps at once."""

    leave: Views
    """y o', the factor from the state to the output gate."""
    output: Views
    """o (1 - y^2), the factor from the state to c + g v."""
    fused: Views
    """The factors (B, 2, D) from c + g v to W_r r and to W_f r."""
    cell: Views
    """The factors (B, 3, D) from the cell to the input gate, the forget gate and the candidate."""
    keep: Views

    @classmethod
    def of(cls, steps: Steps, dim: int) -> "_Factors":
        leave, enter, keep, candidate = steps.activations_TBP[..., : 4 * dim].chunk(4, dim=-1)
        values, gates = steps.fused_TBF[..., dim:], steps.gates_TBD
        return cls(
            _sigmoid_slope(leave).mul_(steps.outputs_TBD).unbind(0),
            torch.addcmul(leave, leave * steps.outputs_TBD, steps.outputs_TBD, value=-1).unbind(0),
            torch.stack([_sigmoid_slope(gates).mul_(values), gates], dim=2).unbind(0),
            torch.stack(
                [
                    _sigmoid_slope(enter).mul_(candidate),
                    _sigmoid_slope(keep).mul_(steps.cells_SBD[:-1]),
                    torch.addcmul(enter, enter * candidate, candidate, value=-1),
                ],
                dim=2,
            ).unbind(0),
            keep.unbind(0),
        )


def _sigmoid_slope(values: Tensor) -> Tensor:
    """Computes the derivative s (1 - s) of a sigmoid from its value s."""
    return torch.addcmul(values, values, values, value=-1)


@final
class _Attention:
    """Attention weights and message of a step, forward and backward, using one buffer of size (B, N, A).

    The buffer holds s, which is tanh(q + keys) or, in the reciprocal form, 1 / (1 + e^2q e^2keys) = (1 - tanh) / 2. The
    scores are s . `scale`, up to a constant that the softmax ignores, and the derivative of a score by q is `slope`
    (base - s^2), where base is 1 for the tanh and s for the reciprocal form: there ds/dq = -2 (s - s^2).
    """

    def __init__(self, steps: Steps, sources: Tensor, score_A: Tensor, reciprocal: bool) -> None:
        length, batch, num_sources = steps.weights_TBN.shape
        size = score_A.shape[0]
        self.reciprocal = reciprocal
        self.is_shared = sources.dim() == 3
        self.keys = [steps.keys] * length if self.is_shared else list(steps.keys.unbind(1))
        self.sources = [sources] * length if self.is_shared else list(sources.unbind(1))
        query_TBA = steps.activations_TBP[..., -size:]
        self.query, self.query_B1A = query_TBA.unbind(0), query_TBA.unsqueeze(2).unbind(0)
        self.weights, self.weights_B1N = steps.weights_TBN.unbind(0), steps.weights_TBN.unsqueeze(2).unbind(0)
        self.messages_B1M = steps.messages_TBM.unsqueeze(2).unbind(0)
        self.scale, self.slope = (-2 * score_A, 4 * score_A) if reciprocal else (score_A, score_A)
        self.one = score_A.new_ones(())
        self.s_BNA = score_A.new_empty(batch, num_sources, size)
        self.s_RA = self.s_BNA.view(-1, size)
        self.scores_BN = score_A.new_empty(batch, num_sources)
        self.scores_R = self.scores_BN.view(-1)
        self.slopes: _AttentionSlopes | None = None

    def read(self, time: int, penalty_BN: Tensor | None) -> None:
        """Computes the `weights` and `messages` of this step."""
        if self.reciprocal:
            # In place, in `activations`: the backward pass needs e^2q again, and q itself never.
            self.query[time].mul_(2).exp_()
        self._activate(time)
        torch.mv(self.s_RA, self.scale, out=self.scores_R)
        if penalty_BN is not None:
            self.scores_BN.add_(penalty_BN)
        torch.softmax(self.scores_BN, dim=-1, out=self.weights[time])
        torch.bmm(self.weights_B1N[time], self.sources[time], out=self.messages_B1M[time])

    def _activate(self, time: int) -> None:
        if self.reciprocal:
            torch.addcmul(self.one, self.keys[time], self.query_B1A[time], out=self.s_BNA).reciprocal_()
        else:
            torch.add(self.keys[time], self.query_B1A[time], out=self.s_BNA).tanh_()

    def read_back(self, time: int, message_BM: Tensor, query_BA: Tensor) -> None:
        """Propagates the gradient of the message to that of the query, which is written, and to those of keys and
        score, which are accumulated.
        """
        if self.slopes is None:
            self.slopes = _AttentionSlopes.empty(self.s_BNA, None if self.is_shared else len(self.keys))
        slopes = self.slopes
        torch.bmm(self.sources[time], message_BM.unsqueeze(2), out=slopes.scores_BN1)
        # The gradient of a softmax: weights * (gradient - sum of weights * gradient).
        slopes.scores_BN.mul_(self.weights[time])
        torch.sum(slopes.scores_BN, dim=1, keepdim=True, out=slopes.total_B1)
        slopes.scores_BN.addcmul_(self.weights[time], slopes.total_B1, value=-1)
        self._activate(time)
        slopes.score_B1A.baddbmm_(slopes.scores_B1N, self.s_BNA)
        # From here on the buffer holds ds/dq, still without the factor `slope`. That factor is constant over time, so
        # it is applied once to the sums, in `slope_keys`, and to the query below.
        base = self.s_BNA if self.reciprocal else self.one
        torch.addcmul(base, self.s_BNA, self.s_BNA, value=-1, out=self.s_BNA)
        if slopes.keys_by_step is None:
            slopes.keys.addcmul_(self.s_BNA, slopes.scores_BN1)
        else:
            torch.mul(self.s_BNA, slopes.scores_BN1, out=slopes.keys_by_step[time])
        torch.bmm(slopes.scores_B1N, self.s_BNA, out=slopes.query_B1A)
        torch.mul(slopes.query_BA, self.slope, out=query_BA)

    def slope_keys(self) -> Tensor:
        """Returns the gradient of the keys. Call it after the last step of the backward pass."""
        assert self.slopes is not None
        return self.slopes.keys.mul_(self.slope)

    def slope_score(self) -> Tensor:
        """Returns the gradient of `score_A`. Call it after the last step of the backward pass."""
        assert self.slopes is not None
        total_A = self.slopes.score_B1A.sum(dim=(0, 1))
        return total_A.mul_(-2) if self.reciprocal else total_A


class _AttentionSlopes(NamedTuple):
    """Memory that only the backward pass needs."""

    keys: Tensor
    keys_by_step: Views | None
    score_B1A: Tensor
    scores_BN: Tensor
    scores_BN1: Tensor
    scores_B1N: Tensor
    total_B1: Tensor
    query_B1A: Tensor
    query_BA: Tensor

    @classmethod
    def empty(cls, s_BNA: Tensor, steps: int | None) -> "_AttentionSlopes":
        batch, num_sources, size = s_BNA.shape
        # Keys that all steps read collect a sum, which begins at 0. Keys of one step are written once, by that step.
        keys = s_BNA.new_zeros(s_BNA.shape) if steps is None else s_BNA.new_empty(batch, steps, num_sources, size)
        scores_BN, query_BA = s_BNA.new_empty(batch, num_sources), s_BNA.new_empty(batch, size)
        return cls(
            keys,
            None if steps is None else keys.unbind(1),
            s_BNA.new_zeros(batch, 1, size),
            scores_BN,
            scores_BN.unsqueeze(2),
            scores_BN.unsqueeze(1),
            s_BNA.new_empty(batch, 1),
            query_BA.unsqueeze(1),
            query_BA,
        )
