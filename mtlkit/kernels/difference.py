"""How much two views of the same texts say the same.

Shapes: B texts, S size of the one view, P size of the other.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

DifferenceNorm = Literal["normalised", "raw"]

SHORTEST = 1e-6
"""Rows shorter than this are not stretched to length 1: they are rounding errors of equal texts."""


def difference_loss(shared_BS: Tensor, private_BP: Tensor, norm: DifferenceNorm = "normalised") -> Tensor:
    """What S^T H says of two views of a batch, a scalar that is zero when no feature of one goes with one of the other.

    `raw` is the squared Frobenius norm as printed (Liu, Qiu and Huang 2017). It grows with the batch and with
    the states. `normalised` is the form of public code: each feature less its mean over the batch, each row stretched
    to length 1, and the mean of the squares in place of their sum. A batch of one text has the loss 0 there.
    """
    if norm == "raw":
        return (_full(shared_BS).T @ _full(private_BP)).square().sum()
    return (_directions(shared_BS).T @ _directions(private_BP)).square().mean()


def _directions(features_BD: Tensor) -> Tensor:
    features_BD = _full(features_BD)
    return F.normalize(features_BD - features_BD.mean(dim=0), dim=-1, eps=SHORTEST)


def _full(features_BD: Tensor) -> Tensor:
    """Half precision has too few digits for the difference from the mean."""
    return features_BD.to(torch.promote_types(features_BD.dtype, torch.float32))
