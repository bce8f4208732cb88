"""One vector per word from those of its pieces, and one vector per piece from those of several layers.

Shapes: N pieces of all texts, W words, L layers, H size of a state.
"""

from typing import Literal, TypeAlias, final

import torch
from torch import Tensor, nn

Pooling: TypeAlias = Literal["first", "last", "mean", "max"]
"""Which state a word gets: that of its first or last piece, or the mean or the maximum of all of its pieces."""


def pool(states_NH: Tensor, words_N: Tensor, num_words: int, pooling: Pooling) -> Tensor:
    """Returns the states (W, H) of words from those of their pieces; zero for words without pieces.

    Args:
        states_NH: the states of pieces; further dimensions behind H are pooled alike.
        words_N: the word of each piece, in ascending order.
        num_words: W.
        pooling: how the pieces of a word are merged.
    """
    empty_WH = states_NH.new_zeros(num_words, *states_NH.shape[1:])
    if not len(words_N):
        return empty_WH
    if pooling in ("first", "last"):
        changes_N = words_N[1:] != words_N[:-1]
        edge = torch.ones(1, dtype=torch.bool, device=words_N.device)
        chosen_N = torch.cat([edge, changes_N] if pooling == "first" else [changes_N, edge])
        return empty_WH.index_copy(0, words_N[chosen_N], states_NH[chosen_N])
    if pooling == "mean":
        counts_W = torch.bincount(words_N, minlength=num_words).clamp(min=1)
        sums_WH = empty_WH.index_add(0, words_N, states_NH)
        return sums_WH / counts_W.view(-1, *[1] * (states_NH.dim() - 1))
    index_NH = words_N.view(-1, *[1] * (states_NH.dim() - 1)).expand_as(states_NH)
    return empty_WH.scatter_reduce(0, index_NH, states_NH, "amax", include_self=False)


@final
class LayerMixture(nn.Module):
    """A weighted sum of layers: gamma * sum_l softmax(w)_l h_l (Peters et al. 2018, ELMo, eq. 1).

    All weights are equal at first, and gamma is 1.
    """

    def __init__(self, num_layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(num_layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def forward(self, states_LNH: Tensor) -> Tensor:
        """Mixes the states of L layers, which lie in the first dimension."""
        mixed_NH: Tensor = self.gamma * torch.tensordot(self.weights.softmax(0), states_LNH, dims=1)
        return mixed_NH
