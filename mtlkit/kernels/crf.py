"""Decoding of linear-chain conditional random fields (Lafferty, McCallum and Pereira 2001).

Shapes: B batch, T time steps, L labels. A mask is boolean and true on a non-empty prefix of each row.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def bio_constraints(labels: Sequence[str]) -> tuple[Tensor, Tensor]:
    """What the BIO scheme allows.

    `I-x` continues `B-x` or `I-x` and stands nowhere else; every other label may stand anywhere, so labels without
    prefixes are not constrained at all. A type whose `B-x` is not among the labels is left free: it could never begin.

    Returns:
        Boolean (L,), labels that may begin a sequence, and boolean (L, L), whether the column may follow the row.
    """
    known = set(labels)

    def free(label: str) -> bool:
        return not label.startswith("I-") or f"B-{label[2:]}" not in known

    def may_follow(before: str, label: str) -> bool:
        return free(label) or before in (label, f"B-{label[2:]}")

    start = [free(label) for label in labels]
    transitions = [[may_follow(before, label) for label in labels] for before in labels]
    return torch.tensor(start, dtype=torch.bool), torch.tensor(transitions, dtype=torch.bool)


@torch.no_grad()
def viterbi(emissions_BTL: Tensor, mask_BT: Tensor, start_L: Tensor, transitions_LL: Tensor, end_L: Tensor) -> Tensor:
    """The best label sequence of each row, all rows at once (Viterbi 1967).

    A score of -inf in `start_L`, `transitions_LL` (row: from, column: to) or `end_L` forbids what it scores.

    Returns:
        Integer label ids (B, T), -1 at padding.
    """
    identity_L = torch.arange(emissions_BTL.shape[2], device=emissions_BTL.device)
    first_BL, *others = emissions_BTL.unbind(dim=1)
    score_BL = start_L + first_BL
    came_from: list[Tensor] = []
    for emission_BL, valid_B in zip(others, mask_BT.unbind(dim=1)[1:], strict=True):
        best_BL, previous_BL = (score_BL.unsqueeze(2) + transitions_LL).max(dim=1)
        # At padding score and label stay, so that the way back below needs no lengths.
        score_BL = torch.where(valid_B.unsqueeze(1), best_BL + emission_BL, score_BL)
        came_from.append(torch.where(valid_B.unsqueeze(1), previous_BL, identity_L))
    label_B1 = (score_BL + end_L).argmax(dim=1, keepdim=True)
    path = [label_B1]
    for previous_BL in reversed(came_from):
        label_B1 = previous_BL.gather(1, label_B1)
        path.append(label_B1)
    return torch.cat(path[::-1], dim=1).masked_fill(~mask_BT, -1)
