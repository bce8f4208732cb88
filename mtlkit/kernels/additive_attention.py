"""Additive attention of all steps of a text over the same sources.

The tanh of every pair of a step and a source has B * T * N * A numbers: 1.6 GB for 8 texts of 500 words with N = T and
A = 200. `attend_in_parts` holds those of a few steps only and computes them again in the backward pass; `attend` is the
plain reference beside it.

Shapes: B batch, T time steps, N sources, D source size, A attention size, P steps of a part.
"""

from typing import Any, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mtlkit.kernels.precision import full_precision

MOST_NUMBERS = 2**22
"""The most numbers of a part, 16 MiB of float32, unless those of a single step are more."""


def attend(
    queries_BTA: Tensor, keys_BNA: Tensor, sources_BND: Tensor, score_A: Tensor, padding_BN: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns the means of the sources, weighted by a softmax of score . tanh(query + key), and their weights.

    Args:
        queries_BTA: the steps' part of the scores.
        keys_BNA: the sources' part of the scores.
        sources_BND: the sources.
        score_A: the vector that makes a number of each pair.
        padding_BN: true at sources of weight 0; at least one per row must be false.

    Returns:
        The means (B, T, D) and the weights (B, T, N).
    """
    scores_BTN = (queries_BTA.unsqueeze(2) + keys_BNA.unsqueeze(1)).tanh() @ score_A
    weights_BTN = scores_BTN.masked_fill(padding_BN.unsqueeze(1), -torch.inf).softmax(dim=-1)
    return weights_BTN @ sources_BND, weights_BTN


def attend_in_parts(
    queries_BTA: Tensor,
    keys_BNA: Tensor,
    sources_BND: Tensor,
    score_A: Tensor,
    padding_BN: Tensor,
    with_weights: bool = True,
) -> tuple[Tensor, Tensor]:
    """Computes `attend` with memory for `MOST_NUMBERS` of its tanh. Under autocast it is exact.

    The weights have no gradient. Without `with_weights` they may be (B, T, 0), and where no gradient is needed no more
    than those of a part are held.
    """
    full = torch.promote_types(queries_BTA.dtype, torch.float32)
    tensors = queries_BTA.to(full), keys_BNA.to(full), sources_BND.to(full), score_A.to(full)
    with full_precision(queries_BTA.device):
        if not torch.is_grad_enabled() or not any(tensor.requires_grad for tensor in tensors):
            return _attend(*tensors, padding_BN, with_weights)
        means_BTD, weights_BTN = _InParts.apply(*tensors, padding_BN)  # type: ignore[no-untyped-call]  # untyped in torch
    return means_BTD, weights_BTN


def _attend(
    queries_BTA: Tensor,
    keys_BNA: Tensor,
    sources_BND: Tensor,
    score_A: Tensor,
    padding_BN: Tensor,
    with_weights: bool,
) -> tuple[Tensor, Tensor]:
    (batch, steps, _), num_sources = queries_BTA.shape, keys_BNA.shape[1]
    means_BTD = sources_BND.new_empty(batch, steps, sources_BND.shape[2])
    weights_BTN = queries_BTA.new_empty(batch, steps, num_sources if with_weights else 0)
    for part in _parts(queries_BTA, num_sources):
        scores_BPN = _activations(queries_BTA[:, part], keys_BNA) @ score_A
        weights_BPN = scores_BPN.masked_fill_(padding_BN.unsqueeze(1), -torch.inf).softmax(dim=-1)
        means_BTD[:, part] = weights_BPN @ sources_BND
        if with_weights:
            weights_BTN[:, part] = weights_BPN
    return means_BTD, weights_BTN


@final
class _InParts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, queries_BTA: Tensor, keys_BNA: Tensor, sources_BND: Tensor, score_A: Tensor, padding_BN: Tensor
    ) -> tuple[Tensor, Tensor]:
        means_BTD, weights_BTN = _attend(queries_BTA, keys_BNA, sources_BND, score_A, padding_BN, with_weights=True)
        ctx.save_for_backward(queries_BTA, keys_BNA, sources_BND, score_A, weights_BTN)
        ctx.mark_non_differentiable(weights_BTN)
        return means_BTD, weights_BTN

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BTD: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        queries_BTA, keys_BNA, sources_BND, score_A, weights_BTN = ctx.saved_tensors
        to_queries_BTA, to_keys_BNA = torch.empty_like(queries_BTA), torch.zeros_like(keys_BNA)
        to_score_A = torch.zeros_like(score_A)
        # The gradient of a softmax: weights * (gradient - sum of weights * gradient).
        to_weights_BTN = gradient_BTD @ sources_BND.mT
        to_weights_BTN -= (weights_BTN * to_weights_BTN).sum(dim=2, keepdim=True)
        to_scores_BTN = to_weights_BTN.mul_(weights_BTN)
        for part in _parts(queries_BTA, keys_BNA.shape[1]):
            tanh_BPNA = _activations(queries_BTA[:, part], keys_BNA)
            to_scores_BPN = to_scores_BTN[:, part]
            to_score_A += to_scores_BPN.flatten() @ tanh_BPNA.flatten(0, 2)
            slopes_BPNA = tanh_BPNA.square_().neg_().add_(1).mul_(to_scores_BPN.unsqueeze(3))
            to_queries_BTA[:, part] = slopes_BPNA.sum(dim=2)
            to_keys_BNA += slopes_BPNA.sum(dim=1)
        to_sources_BND = weights_BTN.mT @ gradient_BTD
        return to_queries_BTA.mul_(score_A), to_keys_BNA.mul_(score_A), to_sources_BND, to_score_A, None


def _activations(queries_BPA: Tensor, keys_BNA: Tensor) -> Tensor:
    return (queries_BPA.unsqueeze(2) + keys_BNA.unsqueeze(1)).tanh_()


def _parts(queries_BTA: Tensor, num_sources: int) -> list[slice]:
    """The steps of each part."""
    batch, steps, size = queries_BTA.shape
    most = max(1, MOST_NUMBERS // max(1, batch * num_sources * size))
    return [slice(start, start + most) for start in range(0, steps, most)]
