"""One label per text.

Shapes: B batch, T time steps, D state size, A attention size, L labels.
"""

from collections.abc import Callable
from typing import ClassVar, Literal, final

from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Runtime
from mtlkit.data.instance import TargetKind
from mtlkit.errors import ConfigError
from mtlkit.heads.head import Decoded, Head, in_full_precision
from mtlkit.kernels.additive_attention import attend
from mtlkit.kernels.sequences import last_valid, masked_max, masked_mean, zero_padding
from mtlkit.types import PositiveInt, Probability

POOLS = {"last": last_valid, "mean": masked_mean, "max": masked_max}


@final
class AttentionPool(nn.Module):
    """The mean of a text's states h, weighted by a softmax of u . tanh(W h + q) over its valid steps.

    This is the attention by which indirect communication reads the mailbox (Liu et al. 2019, eqs. 5, 6 and 8), with a
    learned query q in place of W_x x + W_h h of the step that reads. q begins as the bias of `nn.Linear` does.
    """

    def __init__(self, state_dim: int, attention_dim: int | None = None) -> None:
        """`attention_dim`: A; None is `state_dim`."""
        super().__init__()
        size = attention_dim or state_dim
        self.from_state = nn.Linear(state_dim, size)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns the mean (B, D) of each row. Every row must have a valid step."""
        valid_BTD = zero_padding(states_BTD, mask_BT)
        keys_BTA = nn.functional.linear(valid_BTD, self.from_state.weight)
        query_B1A = self.from_state.bias.expand(keys_BTA.shape[0], 1, -1)  # `len` is a constant to torch.export
        means_B1D, _ = attend(query_B1A, keys_BTA, valid_BTD, self.score.weight.squeeze(0), ~mask_BT)
        return means_B1D.squeeze(1)


@final
@Head.register("classifier")
class Classifier(Head):
    """Softmax over the pooled states of a text (Liu et al. 2019, equation 12).

    `pool` sets how the states of a text are combined: the `last` valid state, as in Liu et al. 2019 (following their
    ACL 2017 paper); the `mean`, as in Chen et al. 2018; the elementwise `max`; or by `attention`, the mean weighted by
    u . tanh(W h + q), the scorer of Liu et al. 2019 with a learned query q of size `attention_dim` (default: the size
    of the states). With a bidirectional encoder prefer another than `last`: the right-to-left half of the last state
    has read only one word. `dropout` is applied to the pooled state.

    The loss is -log P, where Liu et al. 2019, equation 13, print -P.

    Raises:
        ConfigError: `attention_dim` is given for another pool.
    """

    target_kind: ClassVar[TargetKind] = "label"
    default_metrics: ClassVar[tuple[str, ...]] = ("accuracy",)

    def __init__(
        self,
        pool: Literal["last", "mean", "max", "attention"] = "last",
        dropout: Probability = 0.0,
        attention_dim: PositiveInt | None = None,
        *,
        input_dim: Runtime[int],
        labels: Runtime[list[str]],
    ) -> None:
        super().__init__()
        if attention_dim is not None and pool != "attention":
            raise ConfigError(f"head.attention_dim: has no use with pool '{pool}'; leave it out, or choose 'attention'")
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(input_dim, len(labels))
        self.pool: Callable[[Tensor, Tensor], Tensor]
        self.pool = AttentionPool(input_dim, attention_dim) if pool == "attention" else POOLS[pool]

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
