"""Operations on right-padded batches of sequences.

Shapes: B batch, T time steps, D state size. A mask is boolean and true on a prefix of each row.
"""

import torch
from torch import Tensor


def zero_padding(states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """Sets the states at padding to exact zeros, whatever their values."""
    return states_BTD.masked_fill(~mask_BT.unsqueeze(-1), 0.0)


def reverse_within_length(states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """Reverses each row's valid steps. Padding stays in place, so the function is its own inverse."""
    rows_B1 = torch.arange(mask_BT.shape[0], device=mask_BT.device).unsqueeze(1)
    steps_T = torch.arange(mask_BT.shape[1], device=mask_BT.device)
    lengths_B1 = mask_BT.sum(dim=1, keepdim=True)
    return states_BTD[rows_B1, torch.where(mask_BT, lengths_B1 - 1 - steps_T, steps_T)]


def last_valid(states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """Returns the state (B, D) at each row's last valid step. Every row must have one."""
    rows_B = torch.arange(mask_BT.shape[0], device=mask_BT.device)
    return states_BTD[rows_B, mask_BT.sum(dim=1) - 1]


def masked_mean(states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """Returns the mean (B, D) over each row's valid steps, or zeros for a row without any."""
    lengths_B1 = mask_BT.sum(dim=1, keepdim=True).clamp(min=1)
    return zero_padding(states_BTD, mask_BT).sum(dim=1) / lengths_B1


def masked_max(states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """Returns the elementwise maximum (B, D) over each row's valid steps, or zeros for a row without any."""
    highest_BD = states_BTD.masked_fill(~mask_BT.unsqueeze(-1), -torch.inf).amax(dim=1)
    return highest_BD.masked_fill(~mask_BT.any(dim=1, keepdim=True), 0.0)
