"""One label per text.

Shapes: B batch, T time steps, D state size, L labels.
"""

from typing import ClassVar, Literal, final

from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Runtime
from mtlkit.data.instance import TargetKind
from mtlkit.heads.head import Decoded, Head, in_full_precision
from mtlkit.kernels.sequences import last_valid, masked_max, masked_mean
from mtlkit.types import Probability

POOLS = {"last": last_valid, "mean": masked_mean, "max": masked_max}


@final
@Head.register("classifier")
class Classifier(Head):
    """Softmax over the pooled states of a text (Liu et al. 2019, equation 12).

    `pool` sets how the states of a text are combined: the `last` valid state, as in Liu et al. 2019 (following their
    ACL 2017 paper); the `mean`, as in Chen et al. 2018; or the elementwise `max`. With a bidirectional encoder prefer
    `mean` or `max`: the right-to-left half of the last state has read only one word. `dropout` is applied to the pooled
    state.

    The loss is -log P, where Liu et al. 2019, equation 13, print -P.
    """

    target_kind: ClassVar[TargetKind] = "label"
    default_metrics: ClassVar[tuple[str, ...]] = ("accuracy",)

    def __init__(
        self,
        pool: Literal["last", "mean", "max"] = "last",
        dropout: Probability = 0.0,
        *,
        input_dim: Runtime[int],
        labels: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.pool = POOLS[pool]
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(input_dim, len(labels))

    def loss(self, states_BTD: Tensor, mask_BT: Tensor, targets: Tensor) -> Tensor:
        logits_BL = self._logits(states_BTD, mask_BT)
        # Not reduction="mean", which is 0/0 for a batch without a known label.
        total = F.cross_entropy(logits_BL, targets, ignore_index=-1, reduction="sum")
        return total / (targets >= 0).sum().clamp(min=1)

    def decode(self, states_BTD: Tensor, mask_BT: Tensor) -> Decoded:
        confidence_B, ids_B = self._logits(states_BTD, mask_BT).softmax(dim=-1).max(dim=-1)
        return Decoded(ids_B, confidence_B)

    def _logits(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        pooled_BD = self.dropout(self.pool(states_BTD, mask_BT))
        return in_full_precision(self.output(pooled_BD))
