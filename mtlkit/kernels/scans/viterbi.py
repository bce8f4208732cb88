"""Viterbi decoding in two scans, one in either direction. The plain reference is `mtlkit.kernels.crf.reference`.

Shapes: B batch, T time steps, L labels. A mask is boolean and true on a non-empty prefix of each row.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mtlkit.kernels.scans.networks import scan


def scanned_viterbi(
    emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """Finds the best label sequence of each row, (B, T), -1 at padding. The arguments are those of `viterbi`."""
    # With a step of padding at the end, at which scores and labels stay, there are T transitions: at least one.
    emissions_SBL = F.pad(emissions_BTL.transpose(0, 1), (0, 0, 0, 0, 0, 1))
    valid_SB = F.pad(mask_BT.t(), (0, 0, 0, 1))
    first_BL, valid_TB = start_L + emissions_SBL[0], valid_SB[1:]
    (last_BL,), (before_TBL,) = scan(_best, [first_BL], [emissions_SBL[1:], valid_TB], [transitions_LL])
    last_B = (last_BL + end_L).argmax(dim=1)
    _, (labels_TB,) = scan(_came_from, [last_B], [before_TBL.flip(0), valid_TB.flip(0)], [transitions_LL])
    return labels_TB.flip(0).t().masked_fill(~mask_BT, -1)


def _best(before_BL: Tensor, emission_BL: Tensor, valid_B: Tensor, transitions_LL: Tensor) -> tuple[Tensor, Tensor]:
    best_BL = (before_BL.unsqueeze(2) + transitions_LL).amax(dim=1) + emission_BL
    return torch.where(valid_B.unsqueeze(1), best_BL, before_BL), before_BL.clone()


def _came_from(label_B: Tensor, before_BL: Tensor, valid_B: Tensor, transitions_LL: Tensor) -> tuple[Tensor, Tensor]:
    came_from_B = (before_BL + transitions_LL.t()[label_B]).argmax(dim=1)
    before_B = torch.where(valid_B, came_from_B, label_B)
    return before_B, before_B.clone()
