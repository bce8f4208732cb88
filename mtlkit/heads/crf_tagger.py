"""One tag per word, chosen jointly.

Shapes: B batch, T time steps, D state size, L labels of the field.
"""

from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn
from torchcrf import CRF

from mtlkit.config import Runtime
from mtlkit.data.instance import TargetKind
from mtlkit.heads.head import Decoded, Head, in_full_precision
from mtlkit.heads.iobes import Iobes
from mtlkit.kernels.compute import Computing
from mtlkit.kernels.crf.likelihood import log_likelihood
from mtlkit.kernels.crf.reference import bio_constraints, scanned_viterbi, viterbi
from mtlkit.types import Probability


@final
@Head.register("crf_tagger")
class CrfTagger(Head, Computing):
    """A linear-chain conditional random field over the states (Huang, Xu and Yu 2015), as in Liu et al. 2019.

    With `constrain`, decoding considers only well-formed BIO sequences; labels without `B-` and `I-` are not affected,
    nor are tags that mark no spans (the reader's `scheme`). The tags of files in other schemes are BIO here as well.
    Training is never constrained: annotators make mistakes, and a target of probability 0 has an infinite loss. With
    `scheme: iobes` the field has labels of its own for the ends of spans and for spans of one word, and decoding is
    constrained to that scheme; targets, predictions and scores remain BIO. `auto` is `bio`. The papers do not name
    their scheme.

    The loss is the negative log-likelihood of whole texts, per word; torchcrf holds the parameters. A text with an
    unknown tag is left out of the loss entirely. `dropout` is applied to the states. Predictions have no confidence.
    """

    target_kind: ClassVar[TargetKind] = "tags"
    default_metrics: ClassVar[tuple[str, ...]] = ("span_f1", "token_accuracy")

    allowed_start_L: Tensor
    allowed_transitions_LL: Tensor
    allowed_end_L: Tensor

    def __init__(
        self,
        dropout: Probability = 0.0,
        constrain: bool = True,
        scheme: Literal["bio", "iobes", "auto"] = "bio",
        *,
        input_dim: Runtime[int],
        labels: Runtime[list[str]],
        tag_scheme: Runtime[str | None] = None,
    ) -> None:
        super().__init__()
        if tag_scheme is not None:
            labels = _as_marks(labels, tag_scheme)
        self.dropout = nn.Dropout(dropout)
        self.iobes = Iobes(labels) if scheme == "iobes" else None
        num_labels = len(self.iobes.labels if self.iobes else labels)
        self.output = nn.Linear(input_dim, num_labels)
        self.crf = CRF(num_labels, batch_first=True)
        if self.iobes and constrain:
            start_L, transitions_LL, end_L = self.iobes.constraints()
        else:
            # Without constraints, as if no label had a prefix.
            start_L, transitions_LL = bio_constraints(labels if constrain else ["O"] * num_labels)
            end_L = torch.ones(len(start_L), dtype=torch.bool)
        self.register_buffer("allowed_start_L", start_L, persistent=False)
        self.register_buffer("allowed_transitions_LL", transitions_LL, persistent=False)
        self.register_buffer("allowed_end_L", end_L, persistent=False)

    def loss(self, states_BTD: Tensor, mask_BT: Tensor, targets: Tensor) -> Tensor:
        known_B = ((targets >= 0) | ~mask_BT).all(dim=1)
        ids_BT = targets.clamp(min=0)  # valid ids at padding and in texts that are left out as well
        if self.iobes:
            ids_BT = self.iobes.encode(ids_BT, mask_BT)
        emissions_BTL, crf = self._emissions(states_BTD), self.crf
        log_likelihood_B = log_likelihood(
            emissions_BTL, ids_BT, mask_BT, crf.start_transitions, crf.transitions, crf.end_transitions
        )
        num_words = (mask_BT & known_B.unsqueeze(1)).sum().clamp(min=1)
        return -(log_likelihood_B * known_B).sum() / num_words

    def num_scored(self, mask_BT: Tensor, targets: Tensor) -> Tensor:
        return (mask_BT & ((targets >= 0) | ~mask_BT).all(dim=1, keepdim=True)).sum()

    def decode(self, states_BTD: Tensor, mask_BT: Tensor) -> Decoded:
        start_L = self.crf.start_transitions.masked_fill(~self.allowed_start_L, -torch.inf)
        transitions_LL = self.crf.transitions.masked_fill(~self.allowed_transitions_LL, -torch.inf)
        end_L = self.crf.end_transitions.masked_fill(~self.allowed_end_L, -torch.inf)
        find = scanned_viterbi if self.compute.traceable else viterbi
        ids_BT = find(self._emissions(states_BTD), mask_BT, start_L, transitions_LL, end_L)
        return Decoded(self.iobes.decode(ids_BT) if self.iobes else ids_BT)

    def _emissions(self, states_BTD: Tensor) -> Tensor:
        return in_full_precision(self.output(self.dropout(states_BTD)))


def _as_marks(labels: list[str], tag_scheme: str) -> list[str]:
    """Labels as the constraints must see them: `B` and `I` without a type as marks of spans, and no marks of spans
    where tags mark none.
    """
    if tag_scheme == "none":
        return [f"={label}" for label in labels]
    return [f"{label}-" if label in ("B", "I") else label for label in labels]
