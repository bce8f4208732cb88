"""A loss that penalises overlap between two representations of the same texts.

Shapes: B texts, S size of the one view, P size of the other.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

DifferenceNorm = Literal["normalised", "raw"]

SHORTEST = 1e-6
"""The shortest row that is scaled to length 1. Shorter rows are rounding errors, of texts with equal states."""


def difference_loss(shared_BS: Tensor, private_BP: Tensor, norm: DifferenceNorm = "normalised") -> Tensor:
    """Computes the difference loss from S^T H of two views of a batch, a scalar.

    It is zero if every feature of one view is orthogonal to every feature of the other.

    `raw` is the squared Frobenius norm as published (Liu, Qiu and Huang 2017). It grows with the batch size and with
    the states. `normalised` follows public code: the batch mean of each feature is subtracted, each row is scaled to
    length 1, and the squares are averaged instead of summed. A batch of one text has the loss 0 then.
    """
    if norm == "raw":
        return (_full(shared_BS).T @ _full(private_BP)).square().sum()
    return (_directions(shared_BS).T @ _directions(private_BP)).square().mean()


def _directions(features_BD: Tensor) -> Tensor:
    features_BD = _full(features_BD)
    return F.normalize(features_BD - features_BD.mean(dim=0), dim=-1, eps=SHORTEST)


def _full(features_BD: Tensor) -> Tensor:
    """Converts to at least single precision, since half precision has too few digits to subtract the mean."""
    return features_BD.to(torch.promote_types(features_BD.dtype, torch.float32))
