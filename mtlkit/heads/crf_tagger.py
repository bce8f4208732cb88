"""One tag per word, chosen jointly.

Shapes: B batch, T time steps, D state size, L labels.
"""

from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torchcrf import CRF

from mtlkit.config import Runtime
from mtlkit.data.instance import TargetKind
from mtlkit.heads.head import Decoded, Head, in_full_precision
from mtlkit.kernels.crf import bio_constraints, viterbi
from mtlkit.types import Probability


@final
@Head.register("crf_tagger")
class CrfTagger(Head):
    """A linear-chain conditional random field over the states (Huang, Xu and Yu 2015), as in Liu et al. 2019.

    With `constrain`, decoding considers well-formed BIO sequences only; labels without `B-` and `I-` are not affected.
    Training never is constrained: annotators make mistakes, and a target of probability 0 has an infinite loss.

    torchcrf holds the parameters and computes the loss, which is the negative log-likelihood of whole texts per word.
    A text with an unknown tag is left out of the loss as a whole. `dropout` falls on the states. No confidence is
    given.
    """

    target_kind: ClassVar[TargetKind] = "tags"
    default_metrics: ClassVar[tuple[str, ...]] = ("span_f1", "token_accuracy")

    allowed_start_L: Tensor
    allowed_transitions_LL: Tensor

    def __init__(
        self,
        dropout: Probability = 0.0,
        constrain: bool = True,
        *,
        input_dim: Runtime[int],
        labels: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(input_dim, len(labels))
        self.crf = CRF(len(labels), batch_first=True)
        # Without constraints, as if no label had a prefix.
        start_L, transitions_LL = bio_constraints(labels if constrain else ["O"] * len(labels))
        self.register_buffer("allowed_start_L", start_L, persistent=False)
        self.register_buffer("allowed_transitions_LL", transitions_LL, persistent=False)

    def loss(self, states_BTD: Tensor, mask_BT: Tensor, targets: Tensor) -> Tensor:
        known_B = ((targets >= 0) | ~mask_BT).all(dim=1)
        # torchcrf takes valid ids only, at padding and in texts that are left out as well.
        log_likelihood_B: Tensor = self.crf(
            self._emissions(states_BTD), targets.clamp(min=0), mask=mask_BT, reduction="none"
        )
        num_words = (mask_BT & known_B.unsqueeze(1)).sum().clamp(min=1)
        return -(log_likelihood_B * known_B).sum() / num_words

    def decode(self, states_BTD: Tensor, mask_BT: Tensor) -> Decoded:
        start_L = self.crf.start_transitions.masked_fill(~self.allowed_start_L, -torch.inf)
        transitions_LL = self.crf.transitions.masked_fill(~self.allowed_transitions_LL, -torch.inf)
        emissions_BTL = self._emissions(states_BTD)
        return Decoded(viterbi(emissions_BTL, mask_BT, start_L, transitions_LL, self.crf.end_transitions))

    def _emissions(self, states_BTD: Tensor) -> Tensor:
        return in_full_precision(self.output(self.dropout(states_BTD)))
