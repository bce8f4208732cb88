"""LSTM', the recurrence that reads a message at every step (Liu et al. 2019), in two versions.

Models run `lstm_prime`, which is in *split* form: the part of every product that does not depend on the recurrence is
computed for all steps at once. The plain reference below it follows the printed equations literally. Tests compare
outputs and gradients of `lstm_prime` and of the built-in communicators with it.

Shapes: B batch, T time steps, E input size, D state size, M message size, N sources, A attention size, G = 4D the gates
in torch's order (input, forget, candidate, output).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Receive = Callable[[int, Tensor], tuple[Tensor, Tensor]]
"""(time, previous_BD) -> content_BM, weights_BN: the message that a task's network reads at one step."""

Fuse = Callable[[Tensor, Tensor], Tensor]
"""(cell_BD, content_BM) -> fused_BD: the cell as seen by the output gate; the cell itself receives no message."""


def lstm_prime(inputs_BTE: Tensor, lstm: nn.LSTM, receive: Receive, fuse: Fuse) -> tuple[Tensor, list[Tensor]]:
    """Computes eqs. 9-11 with the weights of `lstm`. With zero messages it is a plain one-layer LSTM.

    The state passed to `receive`, and fed back, is the previous *fused* one, which is zero at the first step.

    Args:
        inputs_BTE: the sentence; steps at padding are computed too, so right padding does not affect valid steps.
        lstm: an LSTM with one layer and one direction.
        receive: called once per step, in order.
        fuse: called once per step.

    Returns:
        The fused states (B, T, D) and the message's weights (B, N) of every step.
    """
    input_GE, recurrent_GD, input_bias_G, recurrent_bias_G = lstm.all_weights[0]
    gates_TBG = F.linear(inputs_BTE, input_GE, input_bias_G + recurrent_bias_G).unbind(1)
    state_BD = cell_BD = recurrent_GD.new_zeros(inputs_BTE.shape[0], lstm.hidden_size)
    states_TBD, weights_TBN = [], []
    for time, gates_BG in enumerate(gates_TBG):
        content_BM, weights_BN = receive(time, state_BD)
        gates_BG = gates_BG + F.linear(state_BD, recurrent_GD)
        enter_BD, keep_BD, candidate_BD, leave_BD = gates_BG.chunk(4, dim=-1)
        cell_BD = keep_BD.sigmoid() * cell_BD + enter_BD.sigmoid() * candidate_BD.tanh()
        state_BD = leave_BD.sigmoid() * fuse(cell_BD, content_BM).tanh()
        states_TBD.append(state_BD)
        weights_TBN.append(weights_BN)
    return torch.stack(states_TBD, dim=1), weights_TBN


# The plain reference. Its names are the paper's letters; `cat` is the paper's [a; b].


class LstmWeights(NamedTuple):
    """The parameters Theta of one LSTM: W_p (G, E + D) and b_p (G)."""

    W_p: Tensor
    b_p: Tensor

    @classmethod
    def of(cls, lstm: nn.LSTM) -> "LstmWeights":
        """Converts the parameters of `nn.LSTM`, where W_p is stored in two parts and b_p as two summands."""
        input_GE, recurrent_GD, input_bias_G, recurrent_bias_G = lstm.all_weights[0]
        return cls(torch.cat([input_GE, recurrent_GD], dim=1), input_bias_G + recurrent_bias_G)


class ScorerWeights(NamedTuple):
    """The parameters of eq. 5: W (A, E + 2D) and u (A)."""

    W: Tensor
    u: Tensor


class FusionWeights(NamedTuple):
    """The parameters of eqs. 10 and 11: W_r, W_c and W_f (D, D)."""

    W_r: Tensor
    W_c: Tensor
    W_f: Tensor


def reference_lstm(inputs_BTE: Tensor, lstm: LstmWeights) -> list[Tensor]:
    """Computes eqs. 2 and 7, h_t = LSTM(x_t, h_{t-1}, theta): the states (B, D) of every step."""
    h_BD = c_BD = _zeros(inputs_BTE, lstm)
    states = []
    for time in range(inputs_BTE.shape[1]):
        o_BD, c_BD = _gates_and_cell(inputs_BTE[:, time], h_BD, c_BD, lstm)
        h_BD = o_BD * torch.tanh(c_BD)
        states.append(h_BD)
    return states


def reference_direct(
    inputs_BTE: Tensor,
    senders: Sequence[Sequence[Tensor]],
    own: LstmWeights,
    scorer: ScorerWeights,
    fusion: FusionWeights,
) -> tuple[Tensor, Tensor]:
    """Direct communication, eqs. 3-6 and 9-11: states (B, T, D) and alpha (B, T, N).

    `senders` has, for each of the N senders, the states (B, D) of every step, as returned by `reference_lstm`.
    """
    sources = [[states[time] for states in senders] for time in range(inputs_BTE.shape[1])]
    valid_BN = inputs_BTE.new_ones(inputs_BTE.shape[0], len(senders), dtype=torch.bool)
    return _reference_lstm_prime(inputs_BTE, sources, valid_BN, own, scorer, fusion)


def reference_indirect(
    inputs_BTE: Tensor,
    shared: Sequence[Tensor],
    mask_BT: Tensor,
    own: LstmWeights,
    scorer: ScorerWeights,
    fusion: FusionWeights,
) -> tuple[Tensor, Tensor]:
    """Indirect communication, eqs. 8-11: states (B, T, D) and beta (B, T, N), where N = T are the positions of the
    sentence.

    `shared` has the shared LSTM's state (B, D) at every position, as returned by `reference_lstm`.
    """
    sources = [shared] * inputs_BTE.shape[1]
    return _reference_lstm_prime(inputs_BTE, sources, mask_BT, own, scorer, fusion)


def _reference_lstm_prime(
    inputs_BTE: Tensor,
    sources: Sequence[Sequence[Tensor]],
    valid_BN: Tensor,
    own: LstmWeights,
    scorer: ScorerWeights,
    fusion: FusionWeights,
) -> tuple[Tensor, Tensor]:
    """Computes eqs. 9-11, given the sources (B, D) to read at each step."""
    h_BD = c_BD = _zeros(inputs_BTE, own)
    states, weights = [], []
    for time in range(inputs_BTE.shape[1]):
        x_BE = inputs_BTE[:, time]
        r_BD, weights_BN = _reference_message(x_BE, h_BD, sources[time], valid_BN, scorer)
        o_BD, c_BD = _gates_and_cell(x_BE, h_BD, c_BD, own)
        g_BD = torch.sigmoid(F.linear(r_BD, fusion.W_r) + F.linear(c_BD, fusion.W_c))  # (11)
        h_BD = o_BD * torch.tanh(c_BD + g_BD * F.linear(r_BD, fusion.W_f))  # (10)
        states.append(h_BD)
        weights.append(weights_BN)
    return torch.stack(states, dim=1), torch.stack(weights, dim=1)


def _reference_message(
    x_BE: Tensor, h_BD: Tensor, sources: Sequence[Tensor], valid_BN: Tensor, scorer: ScorerWeights
) -> tuple[Tensor, Tensor]:
    """Computes eqs. 3-6 and 8: scores, their softmax over the valid sources, and the weighted sum of the sources."""
    scores = [
        torch.tanh(F.linear(torch.cat([x_BE, h_BD, source_BD], dim=-1), scorer.W)) @ scorer.u for source_BD in sources
    ]  # (4, 5)
    weights_BN = torch.softmax(torch.stack(scores, dim=-1).masked_fill(~valid_BN, -torch.inf), dim=-1)  # (6)
    r_BD = torch.zeros_like(h_BD)
    for n, source_BD in enumerate(sources):
        r_BD = r_BD + weights_BN[:, n : n + 1] * source_BD  # (3, 8)
    return r_BD, weights_BN


def _gates_and_cell(x_BE: Tensor, h_BD: Tensor, c_BD: Tensor, lstm: LstmWeights) -> tuple[Tensor, Tensor]:
    """Computes [c~; o; i; f] = [tanh; sigmoid; sigmoid; sigmoid](W_p [x; h] + b_p), and returns o and c = c~ * i + c *
    f.
    """
    i_BD, f_BD, candidate_BD, o_BD = F.linear(torch.cat([x_BE, h_BD], dim=-1), lstm.W_p, lstm.b_p).chunk(4, dim=-1)
    c_BD = torch.tanh(candidate_BD) * torch.sigmoid(i_BD) + c_BD * torch.sigmoid(f_BD)
    return torch.sigmoid(o_BD), c_BD


def _zeros(inputs_BTE: Tensor, lstm: LstmWeights) -> Tensor:
    return inputs_BTE.new_zeros(inputs_BTE.shape[0], lstm.b_p.shape[0] // 4)
