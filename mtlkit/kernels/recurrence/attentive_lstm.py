"""LSTM' with additive attention over its sources as one operation: the fast form of the built-in communicators.

It computes the same as `lstm_prime` with a built-in communicator and the message gate. Tests compare outputs and
gradients with the plain reference in message_passing.py. See docs/decisions/0015-kernels.md for which implementation
runs when.

Shapes: B batch, T time steps, E input size, D state size, N sources, M their size, A attention size, G = 4D, P = 4D +
A. Sources are (B, N, M) if they are the same at every step, or (B, T, N, M).
"""

from typing import Any, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mtlkit.kernels.precision import full_precision
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence, Slopes, Steps, Weights, is_bounded
from mtlkit.kernels.recurrence.message_passing import FusionWeights


class ScorerParts(NamedTuple):
    """The parameters of eq. 5 of Liu et al. 2019, u . tanh(W [x; h; m]), with W split into its three parts."""

    from_input_AE: Tensor
    from_state_AD: Tensor
    from_source_AM: Tensor
    score_A: Tensor


class Names(NamedTuple):
    """Who listens and who speaks, as a scorer hears it: what is added inside the tanh of its scores."""

    listener_A: Tensor
    speakers_NA: Tensor


def attentive_lstm(
    inputs_BTE: Tensor,
    sources: Tensor,
    padding_BN: Tensor | None,
    lstm: nn.LSTM,
    scorer: ScorerParts,
    fusion: FusionWeights,
    recurrence: Recurrence,
    names: Names | None = None,
    gate_bias_D: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Computes eqs. 3-6 and 8-11 for all steps. Gradients reach the inputs, the sources and every weight; double
    backward is not supported.

    Under autocast the products that are computed for all steps at once run in the lower precision. The recurrence
    itself and the results keep the precision of the parameters, at least float32.

    Args:
        inputs_BTE: the sentences; steps at padding are computed too, so right padding does not affect valid steps.
        padding_BN: true at sources that must not be read; at least one per row must be readable.
        lstm: an LSTM with one layer and one direction.
        recurrence: the implementation that runs the steps.
        names: what the scorer is told of the tasks; with them a score is u . tanh(W [x; h; m] + listener + speaker).
        gate_bias_D: the bias of the gate, if it has one: g_t = sigmoid(W_r r_t + W_c c_t + b).

    Returns:
        The fused states (B, T, D) and, without a gradient, the attention weights (B, T, N).
    """
    steps = inputs_BTE.shape[1]
    if (more := recurrence.padded(steps) - steps) > 0:
        num_sources = sources.shape[-2]
        inputs_BTE, sources, padding_BN, names = _longer(inputs_BTE, sources, padding_BN, names, more)
        states_BTD, weights_BTN = attentive_lstm(
            inputs_BTE, sources, padding_BN, lstm, scorer, fusion, recurrence, names, gate_bias_D
        )
        return states_BTD[:, :steps], weights_BTN[:, :steps, :num_sources]
    if gate_bias_D is not None:
        sources, scorer, fusion = _with_bias(sources, scorer, fusion, gate_bias_D)
    input_GE, recurrent_GD, input_bias_G, recurrent_bias_G = lstm.all_weights[0]
    dim, size = lstm.hidden_size, scorer.score_A.shape[0]
    listener_A = input_bias_G.new_zeros(size) if names is None else names.listener_A
    bias_P = _ordered(input_bias_G + recurrent_bias_G, listener_A, dim)
    input_PE = _ordered(input_GE, scorer.from_input_AE, dim)
    weights = Weights(
        _ordered(recurrent_GD, scorer.from_state_AD, dim),
        torch.cat([fusion.W_r, fusion.W_f]),
        fusion.W_c,
        scorer.score_A,
    )
    projected_TBP = F.linear(inputs_BTE.transpose(0, 1), input_PE, bias_P)
    full = torch.promote_types(recurrent_GD.dtype, torch.float32)
    states_TBD, weights_TBN = _AttentiveLstm.apply(  # type: ignore[no-untyped-call]  # untyped in torch
        recurrence,
        padding_BN,
        None if names is None else names.speakers_NA.to(full),
        *(tensor.to(full) for tensor in (projected_TBP, sources, scorer.from_source_AM, *weights)),
    )
    return states_TBD.transpose(0, 1).to(recurrent_GD.dtype), weights_TBN.transpose(0, 1)


def _longer(
    inputs_BTE: Tensor, sources: Tensor, padding_BN: Tensor | None, names: Names | None, more: int
) -> tuple[Tensor, Tensor, Tensor | None, Names | None]:
    """Appends `more` steps to the arguments, and sources for these steps, which no earlier step reads."""
    steps, inputs_BTE = inputs_BTE.shape[1], F.pad(inputs_BTE, (0, 0, 0, more))
    if sources.dim() == 4:
        return inputs_BTE, F.pad(sources, (0, 0, 0, 0, 0, more)), padding_BN, names
    # Sources that all steps read are the words of the same texts, or several states for each of them, so their number
    # varies with the steps. It is rounded up with them; otherwise each length would still need a graph of its own.
    if padding_BN is None:
        padding_BN = sources.new_zeros(sources.shape[:2], dtype=torch.bool)
    more *= max(1, sources.shape[1] // steps)
    if names is not None:
        names = names._replace(speakers_NA=F.pad(names.speakers_NA, (0, 0, 0, more)))
    return inputs_BTE, F.pad(sources, (0, 0, 0, more)), F.pad(padding_BN, (0, more), value=True), names


def _with_bias(
    sources: Tensor, scorer: ScorerParts, fusion: FusionWeights, gate_bias_D: Tensor
) -> tuple[Tensor, ScorerParts, FusionWeights]:
    """Appends a 1 to each source, which is then in each message too, as weights sum to 1: a column of W_r that reads it
    is a bias of the gate. No recurrence has to know of it.
    """
    scorer = scorer._replace(from_source_AM=F.pad(scorer.from_source_AM, (0, 1)))
    W_r = torch.cat([fusion.W_r, gate_bias_D.unsqueeze(1)], dim=1)
    return F.pad(sources, (0, 1), value=1.0), scorer, fusion._replace(W_r=W_r, W_f=F.pad(fusion.W_f, (0, 1)))


def _ordered(gates: Tensor, query: Tensor, dim: int) -> Tensor:
    """Reorders torch's input, forget, candidate, output to output, input, forget, candidate, query."""
    others, leave = torch.split(gates, [3 * dim, dim])
    return torch.cat([leave, others, query])


@final
class _AttentiveLstm(torch.autograd.Function):
    """All steps as one node of the graph. The gradients of weights are computed by one product each, after the last
    step.
    """

    @staticmethod
    def forward(
        ctx: Any,
        recurrence: Recurrence,
        padding_BN: Tensor | None,
        speakers_NA: Tensor | None,
        projected_TBP: Tensor,
        sources: Tensor,
        from_source_AM: Tensor,
        *parameters: Tensor,
    ) -> tuple[Tensor, Tensor]:
        sources, weights = sources.contiguous(), Weights(*(parameter.contiguous() for parameter in parameters))
        keys = F.linear(sources, from_source_AM).to(sources.dtype)
        if speakers_NA is not None:
            keys = keys + speakers_NA
        with full_precision(projected_TBP.device):
            reciprocal = recurrence.prefers_exponentials(sources) and is_bounded(projected_TBP, keys, weights)
            steps = recurrence.forward(projected_TBP, keys, sources, padding_BN, weights, reciprocal)
        ctx.recurrence, ctx.reciprocal = recurrence, reciprocal
        ctx.save_for_backward(sources, from_source_AM, *weights, *steps)
        ctx.mark_non_differentiable(steps.weights_TBN)
        ctx.set_materialize_grads(False)
        return steps.states_SBD[1:], steps.weights_TBN

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_TBD: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        if gradient_TBD is None:  # nothing depends on the states
            return (None,) * 10
        sources, from_source_AM, *saved = ctx.saved_tensors
        weights, steps = Weights(*saved[:4]), Steps(*saved[4:])
        with full_precision(gradient_TBD.device):
            slopes = ctx.recurrence.backward(gradient_TBD, sources, weights, steps, ctx.reciprocal)
            projected_RP, fused_RF = slopes.projected_TBP.flatten(0, 1), slopes.fused_TBF.flatten(0, 1)
            gate_RD = fused_RF[:, : weights.cell_DD.shape[0]]
            return (
                None,
                None,
                slopes.keys.flatten(0, -3).sum(dim=0) if ctx.needs_input_grad[2] else None,
                slopes.projected_TBP,
                _of_sources(slopes, steps, sources, from_source_AM) if ctx.needs_input_grad[4] else None,
                slopes.keys.flatten(0, -2).t() @ sources.flatten(0, -2),
                projected_RP.t() @ steps.states_SBD[:-1].flatten(0, 1),
                fused_RF.t() @ steps.messages_TBM.flatten(0, 1),
                gate_RD.t() @ steps.cells_SBD[1:].flatten(0, 1),
                slopes.score_A,
            )


def _of_sources(slopes: Slopes, steps: Steps, sources: Tensor, from_source_AM: Tensor) -> Tensor:
    """Returns the gradient of the sources, summed over their two roles: in the messages and in the scores."""
    weights_BTN, messages_BTM = steps.weights_TBN.transpose(0, 1), slopes.messages_TBM.transpose(0, 1)
    result = torch.empty_like(sources)
    if sources.dim() == 3:
        torch.bmm(weights_BTN.mT, messages_BTM, out=result)
    else:
        torch.mul(weights_BTN.unsqueeze(-1), messages_BTM.unsqueeze(2), out=result)
    result.flatten(0, -2).addmm_(slopes.keys.flatten(0, -2), from_source_AM)
    return result
