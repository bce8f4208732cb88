"""Decoding of linear-chain conditional random fields (Lafferty, McCallum and Pereira 2001).

Shapes: B batch, T time steps, L labels. A mask is boolean and true on a non-empty prefix of each row.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mtlkit.kernels.scans.networks import scan


def bio_constraints(labels: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Returns which labels may begin a sequence, and which transitions are allowed, under the BIO scheme.

    `I-x` may only follow `B-x` or `I-x`. Every other label may occur anywhere, so labels without prefixes are
    unconstrained. `I-x` is also unconstrained if `B-x` is not among the labels, since such a span could never begin.

    Returns:
        Boolean (L,), labels that may begin a sequence, and boolean (L, L), whether the column may follow the row.
    """
    known = set(labels)
    # Numbers of the types that can begin, so that the matrix is one comparison instead of a loop over pairs of labels.
    types = {label[2:]: number for number, label in enumerate(labels) if label.startswith("B-")}
    inside = [label.startswith("I-") and f"B-{label[2:]}" in known for label in labels]
    numbers = [types.get(label[2:], -1) if label.startswith(("B-", "I-")) else -1 for label in labels]
    # By NumPy: on the meta device, where models are checked, PyTorch imports its compiler for `~`, which takes long.
    inside_L, type_L = np.array(inside, np.bool_), np.array(numbers, np.int64)
    return torch.tensor(~inside_L), torch.tensor(~inside_L | (type_L[:, None] == type_L))


@torch.no_grad()
def viterbi(emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor) -> Tensor:
    """Finds the best label sequence of each row, for all rows at once (Viterbi 1967).

    A score of -inf in `start_L`, `transitions_LL` (row: from, column: to) or `end_L` forbids a label or transition.

    The forward pass stores only the best scores, not back pointers. The backward pass recomputes where a label came
    from, which it needs for one label per row instead of all L.

    Returns:
        Integer label ids (B, T), -1 at padding.
    """
    # The batch is innermost, so that a maximum over labels is one of whole rows, which a CPU takes in vectors.
    first_LB, *others = emissions_BTL.permute(1, 2, 0).contiguous().unbind()
    valid = mask_BT.t().contiguous().unbind()
    scores = [start_L.unsqueeze(1) + first_LB]
    moves_LL1 = transitions_LL.unsqueeze(2)
    for emission_LB, valid_B in zip(others, valid[1:], strict=True):
        best_LB = (scores[-1].unsqueeze(1) + moves_LL1).amax(dim=0)
        # At padding score and label stay, so that the way back below needs no lengths.
        scores.append(torch.where(valid_B, best_LB + emission_LB, scores[-1]))
    label_B = (scores[-1] + end_L.unsqueeze(1)).argmax(dim=0)
    path = [label_B]
    for score_LB, valid_B in zip(scores[-2::-1], valid[:0:-1], strict=True):
        came_from_B = (score_LB + transitions_LL[:, label_B]).argmax(dim=0)
        label_B = torch.where(valid_B, came_from_B, label_B)
        path.append(label_B)
    return torch.stack(path[::-1], dim=1).masked_fill(~mask_BT, -1)


def scanned_viterbi(
    emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor
) -> Tensor:
    """Computes what `viterbi` returns in two scans, for programs whose texts have any number of words."""
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
