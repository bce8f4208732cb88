"""The interface of heads.

Shapes: B batch, T time steps, D state size, L labels.
"""

from abc import abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.data.instance import TargetKind


@dataclass(frozen=True)
class Decoded:
    """What a head predicts for a batch.

    Attributes:
        ids: label ids: (B,), or (B, T) with -1 at padding.
        confidence_B: the probability of each predicted label, from 0 to 1; None for heads that give none.
    """

    ids: Tensor
    confidence_B: Tensor | None = None


class Head(nn.Module, Component, offers=("input_dim", "labels", "tag_scheme")):
    """One task's output layer: gives the loss in training, and decodes labels otherwise.

    Run-time values of the constructor: `input_dim`, the size D of the states; `labels`, the task's labels by id; and
    `tag_scheme`, which is `iob2` if the labels are tags that mark spans, `none` if they are tags that mark none, and
    None for labels of texts and where it is not known. Losses are means, per text or per word, so that tasks of
    different sizes are comparable. `mask_BT` is boolean, true on a non-empty prefix of each row; states at padding are
    ignored.
    """

    when_left_out = MappingProxyType({"tag_scheme": None})

    target_kind: ClassVar[TargetKind]
    """What the head predicts: one label per text, or one tag per word."""

    default_metrics: ClassVar[tuple[str, ...]]
    """Registered names of the metrics that score it when the experiment names none; the first one selects models."""

    @abstractmethod
    def loss(self, states_BTD: Tensor, mask_BT: Tensor, targets: Tensor) -> Tensor:
        """The mean negative log-likelihood (a scalar) of `targets`: label ids (B,) or (B, T), -1 where unknown.

        Unknown targets are left out of the mean. A batch without known targets has the loss 0, with gradients of zero.
        """

    def num_scored(self, mask_BT: Tensor, targets: Tensor) -> Tensor:
        """How many texts, or words where they are tagged, the loss is the mean of: those whose target is known."""
        return (targets >= 0).sum()

    @abstractmethod
    def decode(self, states_BTD: Tensor, mask_BT: Tensor) -> Decoded:
        """The predicted labels."""


def in_full_precision(scores: Tensor) -> Tensor:
    """Half-precision scores as float32, others unchanged: autocast must not apply to sums of log-probabilities."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))
