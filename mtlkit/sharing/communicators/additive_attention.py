"""The attention by which both built-in communicators read their sources.

Shapes: B batch, T time steps, N sources, E input size, D state size, A attention size; `...` any leading dimensions.
"""

from typing import final

import torch
from torch import Tensor, nn

from mtlkit.kernels.additive_attention import attend, attend_in_parts
from mtlkit.kernels.compute import Computing
from mtlkit.kernels.recurrence.attentive_lstm import ScorerParts
from mtlkit.sharing.communicators.communicator import Message, Messages


@final
class AdditiveAttention(Computing):
    """Additive attention: the mean of sources m, weighted by a softmax of u . tanh(W [x; h; m]).

    Source: Liu et al. 2019, eqs. 3-6 and 8; without biases, as printed. W is kept in three parts, W [x; h; m] = W_x x +
    W_h h + W_m m, so that `queries` and `keys` are one product each for all steps and all sources, and only W_h h is
    computed inside the recurrence.
    """

    def __init__(self, input_dim: int, state_dim: int, attention_dim: int | None = None) -> None:
        """`attention_dim`: A; None is `state_dim`."""
        super().__init__()
        size = attention_dim or state_dim
        self.from_input = nn.Linear(input_dim, size, bias=False)
        self.from_state = nn.Linear(state_dim, size, bias=False)
        self.from_source = nn.Linear(state_dim, size, bias=False)
        self.score = nn.Linear(size, 1, bias=False)

    def parts(self) -> ScorerParts:
        """All weights, as the fused recurrences take them."""
        return ScorerParts(
            self.from_input.weight, self.from_state.weight, self.from_source.weight, self.score.weight.squeeze(0)
        )

    def queries(self, inputs: Tensor) -> Tensor:
        """The part W_x x of the scores, for any number of steps: (..., E) -> (..., A)."""
        projected: Tensor = self.from_input(inputs)
        return projected

    def keys(self, sources: Tensor) -> Tensor:
        """The part W_m m of the scores, for any number of sources: (..., D) -> (..., A)."""
        projected: Tensor = self.from_source(sources)
        return projected

    def forward(
        self,
        query_BA: Tensor,
        previous_BD: Tensor,
        keys_BNA: Tensor,
        sources_BND: Tensor,
        padding_BN: Tensor | None = None,
    ) -> Message:
        """The message of one step.

        Args:
            query_BA: `queries` of the step.
            previous_BD: the reader's previous fused state.
            keys_BNA: `keys` of the sources.
            sources_BND: the sources.
            padding_BN: true at sources that must not be read; at least one per row must be false.
        """
        query_BA = query_BA + self.from_state(previous_BD)
        # In place: (B, N, A) is the largest tensor of a step, and the backward pass of tanh needs only its result.
        scores_BN = self.score((query_BA.unsqueeze(1) + keys_BNA).tanh_()).squeeze(-1)
        if padding_BN is not None:
            scores_BN = scores_BN.masked_fill(padding_BN, -torch.inf)
        weights_BN = scores_BN.softmax(dim=-1)
        return Message(torch.bmm(weights_BN.unsqueeze(1), sources_BND).squeeze(1), weights_BN)

    def of_all_steps(
        self,
        queries_BTA: Tensor,
        states_BTD: Tensor,
        keys_BNA: Tensor,
        sources_BND: Tensor,
        padding_BN: Tensor,
        with_weights: bool,
    ) -> Messages:
        """The messages of all steps that read the same sources, with the numbers that `forward` gives for each.

        Args:
            queries_BTA: `queries` of the steps.
            states_BTD: the states that the reader asks with.
            keys_BNA, sources_BND, padding_BN: as for `forward`.
            with_weights: whether the weights are wanted; (B, T, 0) if not.
        """
        asked_BTA = queries_BTA + self.from_state(states_BTD)
        score_A = self.score.weight.squeeze(0)
        if self.compute.traceable:  # how many parts there are would depend on the number of words
            return Messages(*attend(asked_BTA, keys_BNA, sources_BND, score_A, padding_BN))
        return Messages(*attend_in_parts(asked_BTA, keys_BNA, sources_BND, score_A, padding_BN, with_weights))
