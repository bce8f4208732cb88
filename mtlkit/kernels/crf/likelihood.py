"""Log-likelihood of linear-chain conditional random fields (Lafferty, McCallum and Pereira 2001).

Shapes: B batch, T time steps, L labels. A mask is boolean and true on a non-empty prefix of each row. Inside the fast
path time comes first, so that a step is one block of memory.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST_SPREAD = {torch.float32: 30.0, torch.float64: 300.0}
"""How far the scores of transitions may lie apart for the fast path, which works on their exponentials."""
SPREAD_BETWEEN_SCALINGS = 30.0
"""The most that the sum of a row may fall (as a logarithm, under any emissions) before it is scaled to 1 again."""
MOST_STEPS_BETWEEN_SCALINGS = 8


def log_likelihood(
    emissions_BTL: Tensor, labels_BT: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """The log-probability of each row's labels, with a gradient to all scores.

    Emissions may be of any finite size; what stands at padding counts nowhere. Autocast has no effect.

    Args:
        labels_BT: int64 ids, valid ones also at padding.
        transitions_LL: row: from, column: to.

    Returns:
        (B,), at most 0.
    """
    with torch.autocast(emissions_BTL.device.type, enabled=False):
        emissions_BTL = emissions_BTL.masked_fill(~mask_BT.unsqueeze(2), 0.0)
        scores_B = _score(emissions_BTL, labels_BT, mask_BT, start_L, transitions_LL, end_L)
        partition = log_partition if _is_fast(emissions_BTL, start_L, transitions_LL, end_L) else reference_partition
        return scores_B - partition(emissions_BTL, mask_BT, start_L, transitions_LL, end_L)


def reference_partition(
    emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """(B,) the logarithm of the sum over all label sequences, by the forward recursion in logarithms.

    Right for scores of any size, and without a look at their values, which on a GPU would have the host wait.
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
    """The same by products of exponentials, with a gradient written out: the marginals.

    Sums are kept near 1 by scaling (Rabiner 1989, section V.A). Where all labels can follow each other about as well, a
    label that underflows at a step could not have counted later. So it is as exact as the reference while the scores of
    transitions lie within `LARGEST_SPREAD`; beyond that it must not be used.
    """
    apply: Callable[..., Tensor] = _ScaledForwardBackward.apply
    return apply(emissions_BTL, mask_BT, start_L, transitions_LL, end_L)


@torch.no_grad()
def _is_fast(emissions_BTL: Tensor, *transitions: Tensor) -> bool:
    """Whether the fast path is exact. On a GPU, where asking costs more than it gains, the answer is no; so it is for
    scores that are no numbers, which the reference hands on."""
    limit = LARGEST_SPREAD.get(emissions_BTL.dtype)
    if limit is None or emissions_BTL.device.type != "cpu":
        return False
    return all(float(scores.max() - scores.min()) <= limit for scores in transitions)


def _score(
    emissions_BTL: Tensor, labels_BT: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """(B,) the unnormalised score of each row's labels; emissions are 0 at padding."""
    last_B1 = mask_BT.sum(dim=1, keepdim=True) - 1
    steps_BT = emissions_BTL.gather(2, labels_BT.unsqueeze(2)).squeeze(2)
    moves_BS = transitions_LL[labels_BT[:, :-1], labels_BT[:, 1:]] * mask_BT[:, 1:]
    ends_B = start_L[labels_BT[:, 0]] + end_L[labels_BT.gather(1, last_B1).squeeze(1)]
    return ends_B + steps_BT.sum(dim=1) + moves_BS.sum(dim=1)


class _ScaledForwardBackward(torch.autograd.Function):
    """The forward recursion, and the backward recursion for the gradient.

    Rows run on beyond their end, over emissions of 0; only what they were at their last step is looked at.
    """

    @staticmethod
    def forward(
        ctx: Any, emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
    ) -> Tensor:
        emissions_TBL = emissions_BTL.transpose(0, 1)
        mask_TB1 = mask_BT.t().unsqueeze(2)
        highest_TB1 = emissions_TBL.amax(dim=2, keepdim=True)
        factors_TBL = (emissions_TBL - highest_TB1).exp()
        tops = [scores.max() for scores in (start_L, transitions_LL, end_L)]
        start_L, transitions_LL, end_L = (
            (scores - top).exp() for scores, top in zip((start_L, transitions_LL, end_L), tops, strict=True)
        )

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
    """How long rows may do without: in the worst case each step takes the smallest transition.

    Args:
        transitions_LL: exponentials, the largest of which is 1.
    """
    smallest = float(transitions_LL.min().log())
    return int(min(max(SPREAD_BETWEEN_SCALINGS // max(-smallest, 1.0), 1), MOST_STEPS_BETWEEN_SCALINGS))


def _last_steps(mask_TB1: Tensor) -> Tensor:
    """(1, B, 1) the place of each row's last valid step."""
    return mask_TB1.sum(dim=0, keepdim=True) - 1
