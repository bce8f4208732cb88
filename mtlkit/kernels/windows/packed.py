"""The convolution over characters without its padding, for CPUs. Its shapes depend on the data, for which a GPU waits.

A convolution is linear, so a character in a given place of a window always adds the same to a filter. Where a
character's vector is only looked up, these contributions are computed once for each character of the vocabulary, and a
window is the sum of K looked-up rows: F times less work than the convolution.

Shapes: W words, C characters, L characters of all words without padding, V characters of the vocabulary, F size of a
character's vector, K characters in a window, E filters.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from mtlkit.kernels.windows.reference import reach_of


def largest_of_looked_up(characters_WC: Tensor, table_VF: Tensor, weight_EFK: Tensor, bias_E: Tensor) -> Tensor:
    """`reference.largest_of_windows` of vectors from a table, whose row 0 is padding, zero and not trained.

    Args:
        characters_WC: ids, 0 after a word's last character.
        table_VF: the vectors of characters.
        weight_EFK: the filters, as `nn.Conv1d` has them.
        bias_E: added to each.

    Returns:
        (W, E), zero for words without characters. What is computed for a word does not depend on the others.
    """
    mask_WC = characters_WC != 0
    windows_LK = _windows(characters_WC, mask_WC, weight_EFK.shape[2])
    contributions_KVE = table_VF @ weight_EFK.permute(2, 1, 0)
    terms = zip(windows_LK.unbind(1), contributions_KVE, strict=True)
    values_LE = sum((F.embedding(places_L, rows_VE, padding_idx=0) for places_L, rows_VE in terms), bias_E)
    return largest_of_packed(values_LE, mask_WC.sum(dim=1))


def largest_of_vectors(vectors_LF: Tensor, mask_WC: Tensor, weight_EFK: Tensor, bias_E: Tensor) -> Tensor:
    """`reference.largest_of_windows`, given the vectors of the characters alone, word after word."""
    places_WC = torch.zeros(mask_WC.shape, dtype=torch.int64)
    places_WC[mask_WC] = torch.arange(1, len(vectors_LF) + 1)
    windows_LK = _windows(places_WC, mask_WC, weight_EFK.shape[2])
    rows_LKF = F.embedding(windows_LK, F.pad(vectors_LF, (0, 0, 1, 0)), padding_idx=0)
    values_LE = torch.addmm(bias_E, rows_LKF.flatten(1), weight_EFK.permute(2, 1, 0).flatten(0, 1))
    return largest_of_packed(values_LE, mask_WC.sum(dim=1))


def _windows(places_WC: Tensor, mask_WC: Tensor, width: int) -> Tensor:
    """Returns the window (L, K) of each character: the places of the characters in it, 0 beyond the word's ends."""
    return F.pad(places_WC, reach_of(width)).unfold(1, width, 1)[mask_WC]


def largest_of_packed(values_LE: Tensor, lengths_W: Tensor) -> Tensor:
    """Returns the maximum (W, E) over each word's rows, which lie one word after the other; zeros where there are none.

    As in `torch.amax`, equal values share the gradient equally.
    """
    return cast(Tensor, _LargestOfPacked.apply(values_LE, lengths_W))  # type: ignore[no-untyped-call]


class _LargestOfPacked(torch.autograd.Function):
    """The gradient of `torch.segment_reduce` itself is wrong where two values are equal, as in `...` and `1000`."""

    @staticmethod
    def forward(ctx: FunctionCtx, values_LE: Tensor, lengths_W: Tensor) -> Tensor:
        found_WE = _reduced(values_LE, lengths_W, "max").masked_fill(lengths_W.unsqueeze(1) == 0, 0.0)
        ctx.save_for_backward(values_LE, found_WE, lengths_W)
        return found_WE

    @staticmethod
    def backward(ctx: Any, gradient_WE: Tensor) -> tuple[Tensor, None]:
        values_LE, found_WE, lengths_W = ctx.saved_tensors
        words_L = torch.repeat_interleave(lengths_W)
        is_largest_LE = (values_LE == F.embedding(words_L, found_WE)).to(values_LE)
        counts_WE = _reduced(is_largest_LE, lengths_W, "sum").clamp(min=1)
        return F.embedding(words_L, gradient_WE / counts_WE) * is_largest_LE, None


def _reduced(values_LE: Tensor, lengths_W: Tensor, how: str) -> Tensor:
    # `unsafe` leaves out a check that the lengths add up to L.
    return torch.segment_reduce(values_LE, how, lengths=lengths_W, axis=0, unsafe=True)
