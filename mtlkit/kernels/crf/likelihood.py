"""Log-likelihood of linear-chain conditional random fields (Lafferty, McCallum and Pereira 2001).

Shapes: B batch, T time steps, L labels. A mask is boolean and true on a non-empty prefix of each row. Inside the fast
path time is the first dimension, so that each step is a contiguous block of memory.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST_SPREAD = {torch.float32: 30.0, torch.float64: 300.0}
"""The largest difference between transition scores, by dtype, for which the fast path is exact. It works on
exponentials.
"""
SPREAD_BETWEEN_SCALINGS = 30.0
"""The largest decrease, on a logarithmic scale and for any emissions, that the sum of a row may undergo before it is
rescaled to 1.
"""
MOST_STEPS_BETWEEN_SCALINGS = 8


def log_likelihood(
    emissions_BTL: Tensor, labels_BT: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """Computes the log-probability of each row's labels, with gradients for all scores.

    Emissions may have any finite size; values at padding are ignored. Autocast has no effect.

    Args:
        labels_BT: int64 ids, which must be valid at padding too.
        transitions_LL: transition scores; rows are the previous label, columns the next one.

    Returns:
        Log-probabilities (B,), at most 0.
    """
    with torch.autocast(emissions_BTL.device.type, enabled=False):
        emissions_BTL = emissions_BTL.masked_fill(~mask_BT.unsqueeze(2), 0.0)
        scores_B = _score(emissions_BTL, labels_BT, mask_BT, start_L, transitions_LL, end_L)
        partition = log_partition if _is_fast(emissions_BTL, start_L, transitions_LL, end_L) else reference_partition
        return scores_B - partition(emissions_BTL, mask_BT, start_L, transitions_LL, end_L)


def reference_partition(
    emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """Computes the log of the sum over all label sequences, (B,), by the forward recursion in log space.

    It is accurate for scores of any size, and never reads values on the host, which on a GPU would force a
    synchronisation.
    """
    first_BL, *others = emissions_BTL.unbind(dim=1)
    score_BL = start_L + first_BL
    for emission_BL, valid_B in zip(others, mask_BT.unbind(dim=1)[1:], strict=True):
        next_BL = (score_BL.unsqueeze(2) + transitions_LL).logsumexp(dim=1) + emission_BL
        score_BL = torch.where(valid_B.unsqueeze(1), next_BL, score_BL)
    return (score_BL + end_L).logsumexp(dim=1)


def log_partition(
    emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """Computes the log-partition function (B,) by products of exponentials, with a hand-written gradient: the
    marginals.

    Sums are kept near 1 by rescaling (Rabiner 1989, section V.A). If all transitions are about equally likely, a label
    that underflows at one step could not have contributed later. The result is therefore as exact as
    `reference_partition` while transition scores differ by at most `LARGEST_SPREAD`; beyond that it must not be used.
    """
    apply: Callable[..., Tensor] = _ScaledForwardBackward.apply
    return apply(emissions_BTL, mask_BT, start_L, transitions_LL, end_L)


@torch.no_grad()
def _is_fast(emissions_BTL: Tensor, *transitions: Tensor) -> bool:
    """Returns whether the fast path is exact. The answer is no on a GPU, where reading the scores costs more than the
    fast path gains, and for scores that are NaN, which the reference propagates.
    """
    limit = LARGEST_SPREAD.get(emissions_BTL.dtype)
    if limit is None or emissions_BTL.device.type != "cpu":
        return False
    return all(float(scores.max() - scores.min()) <= limit for scores in transitions)


def _score(
    emissions_BTL: Tensor, labels_BT: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """Computes the unnormalised score (B,) of each row's labels. Emissions must be 0 at padding."""
    last_B1 = mask_BT.sum(dim=1, keepdim=True) - 1
    steps_BT = emissions_BTL.gather(2, labels_BT.unsqueeze(2)).squeeze(2)
    moves_BS = transitions_LL[labels_BT[:, :-1], labels_BT[:, 1:]] * mask_BT[:, 1:]
    ends_B = start_L[labels_BT[:, 0]] + end_L[labels_BT.gather(1, last_B1).squeeze(1)]
    return ends_B + steps_BT.sum(dim=1) + moves_BS.sum(dim=1)


class _ScaledForwardBackward(torch.autograd.Function):
    """The forward recursion, with the backward recursion as its gradient.

    Rows continue beyond their end with emissions of 0; only their values at their last step are used.
    """

    @staticmethod
    def forward(
        ctx: Any, emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
    ) -> Tensor:
        emissions_TBL = emissions_BTL.transpose(0, 1)
        mask_TB1 = mask_BT.t().unsqueeze(2)
        # Subtracting the maximum of each step, and of each set of scores below, bounds all exponentials by 1. The
        # maxima are added back to the logarithm at the end.
        highest_TB1 = emissions_TBL.amax(dim=2, keepdim=True)
        factors_TBL = (emissions_TBL - highest_TB1).exp()
        tops = [scores.max() for scores in (start_L, transitions_LL, end_L)]
        start_L, transitions_LL, end_L = (
            (scores - top).exp() for scores, top in zip((start_L, transitions_LL, end_L), tops, strict=True)
        )

        # Each row sum since the last rescaling can only have fallen by a bounded factor, so most steps need none.
        sums_TBL = torch.empty_like(factors_TBL)
        scales_TB1 = torch.ones_like(highest_TB1)
        every = _steps_between_scalings(transitions_LL)
        current_BL = torch.mul(start_L, factors_TBL[0], out=sums_TBL[0])
        rows = zip(sums_TBL.unbind(), factors_TBL.unbind(), scales_TB1.unbind(), strict=True)
        for step, (sums_BL, factors_BL, scale_B1) in enumerate(rows):
            if step > 0:
                current_BL = torch.mm(current_BL, transitions_LL, out=sums_BL).mul_(factors_BL)
            if step % every == 0:
                torch.sum(current_BL, dim=1, keepdim=True, out=scale_B1)
                current_BL.div_(scale_B1)

        last_1BL = _last_steps(mask_TB1).expand(1, -1, emissions_TBL.shape[2])
        totals_B1 = sums_TBL.gather(0, last_1BL).squeeze(0) @ end_L.unsqueeze(1)
        ctx.save_for_backward(
            sums_TBL, factors_TBL, scales_TB1, totals_B1, mask_TB1, last_1BL, start_L, transitions_LL, end_L
        )
        steps_TB1 = (scales_TB1.log() + highest_TB1) * mask_TB1
        num_moves_B = mask_BT.sum(dim=1) - 1
        return totals_B1.log().squeeze(1) + steps_TB1.sum(dim=(0, 2)) + tops[0] + num_moves_B * tops[1] + tops[2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_B: Tensor) -> tuple[Tensor, None, Tensor, Tensor, Tensor]:
        sums_TBL, factors_TBL, scales_TB1, totals_B1, mask_TB1, last_1BL, start_L, transitions_LL, end_L = (
            ctx.saved_tensors
        )
        # The recursion is linear, so that it can begin with the gradient itself. Steps at padding give 0.
        arrivals_TBL = torch.zeros_like(sums_TBL)
        arrivals_TBL.scatter_(0, last_1BL, (end_L * (gradient_B.unsqueeze(1) / totals_B1)).unsqueeze(0))
        moves_TBL = factors_TBL * (mask_TB1 / scales_TB1)
        columns_LL = transitions_LL.t().contiguous()
        rows = zip(arrivals_TBL.unbind()[:-1], moves_TBL.unbind()[1:], arrivals_TBL.unbind()[1:], strict=True)
        for before_BL, move_BL, after_BL in reversed(list(rows)):
            torch.addmm(before_BL, move_BL.mul_(after_BL), columns_LL, out=before_BL)

        num_labels = len(start_L)
        # A pairwise marginal is the product of forward sum, transition, emission and backward sum. Only the transition
        # is constant over time, so the sum over steps is one product of matrices.
        counts_LL = sums_TBL[:-1].reshape(-1, num_labels).t() @ moves_TBL[1:].reshape(-1, num_labels)
        last_BL = (sums_TBL.gather(0, last_1BL) * arrivals_TBL.gather(0, last_1BL)).squeeze(0)
        marginals_TBL = arrivals_TBL.mul_(sums_TBL)
        return (
            marginals_TBL.transpose(0, 1),
            None,
            marginals_TBL[0].sum(dim=0),
            counts_LL * transitions_LL,
            last_BL.sum(dim=0),
        )


def _steps_between_scalings(transitions_LL: Tensor) -> int:
    """Returns the number of steps that rows can go without rescaling, if in the worst case every step takes the
    smallest transition.

    Args:
        transitions_LL: exponentials of the scores, the largest of which is 1.
    """
    smallest = float(transitions_LL.min().log())
    return int(min(max(SPREAD_BETWEEN_SCALINGS // max(-smallest, 1.0), 1), MOST_STEPS_BETWEEN_SCALINGS))


def _last_steps(mask_TB1: Tensor) -> Tensor:
    """Returns the index of each row's last valid step, (1, B, 1)."""
    return mask_TB1.sum(dim=0, keepdim=True) - 1
