"""Shared and private encoders that two further losses keep apart.

Shapes: B batch, T time steps, E input size, S size of the shared states, P of the private ones, D output size (P + S),
K tasks.
"""

from collections.abc import Mapping
from typing import Self, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.difference import DifferenceNorm, difference_loss
from mtlkit.kernels.gradient_reversal import reverse_gradient
from mtlkit.kernels.sequences import last_valid
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.sharing.shared_private import ParallelSharedPrivate
from mtlkit.sharing.traces import GuessTrace
from mtlkit.types import NonNegativeFloat, PositiveFloat


@final
@SharingScheme.register("adversarial_shared_private")
class AdversarialSharedPrivate(SharingScheme):
    """The head reads [private; shared]; a discriminator is trained against shared states that reveal the task.

    This is ASP-MTL of Liu, Qiu and Huang, "Adversarial Multi-task Learning for Text Classification" (ACL 2017), eqs.
    5-15, which Liu et al. 2019 list as SP-MTL. Two losses are added to the task's own, already weighted:

    - `adversarial`: the cross-entropy of a linear layer that guesses the task from the shared encoder's last valid
      state. That layer minimises it, the shared encoder maximises it, through a gradient reversal.
    - `difference`: S^T H of the shared and the private encoder's last valid states over the batch.

    With a bidirectional encoder, the right-to-left half of the last state has read only one word.

    encoder: built once to be shared, and once for every task.
    private_encoder: the encoder of each task, if it differs from the shared one.
    adversarial_weight: the paper's lambda. 0 leaves discriminator and loss out.
    difference_weight: the paper's gamma. 0 leaves the loss out; with both at 0 this is the plain shared-private model.
    difference_norm: `raw` is the squared Frobenius norm as printed, which grows with batch and states; `normalised` is
        the form of public code, with centred features, rows of length 1, and a mean in place of the sum.
    reversal: the factor of the shared encoder's reversed gradient, relative to the discriminator's; the paper's min-max
        has 1.

    Where we depart: the paper prints U as D by D, which must be K by D; its difference loss is a sum over tasks, while
    a batch here belongs to one task and adds that task's term.

    Raises:
        ConfigError: there are fewer than two tasks for the discriminator to tell apart.
    """

    def __init__(
        self,
        encoder: Lazy[Encoder],
        private_encoder: Lazy[Encoder] | None = None,
        adversarial_weight: NonNegativeFloat = 0.05,
        difference_weight: NonNegativeFloat = 0.01,
        difference_norm: DifferenceNorm = "normalised",
        reversal: PositiveFloat = 1.0,
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.shared = encoder.build(input_dim=input_dim)
        own = private_encoder or encoder
        encoders = {task: own.build(input_dim=input_dim) for task in tasks}
        self.private = nn.ModuleDict(encoders)
        self.output_dim = encoders[tasks[0]].output_dim + self.shared.output_dim
        self.discriminator = _discriminator(self.shared.output_dim, tasks) if adversarial_weight else None
        self.tasks = list(tasks)
        self.adversarial_weight = adversarial_weight
        self.difference_weight = difference_weight
        self.difference_norm: DifferenceNorm = difference_norm
        self.reversal = reversal

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        shared_BTS = self.shared(states_BTE, mask_BT)
        private_BTP = self.private[task](states_BTE, mask_BT)
        last_BS = last_valid(shared_BTS, mask_BT)
        views = {"shared": last_BS, "private": last_valid(private_BTP, mask_BT)}
        trace = self._trace(last_BS) if with_trace else None
        return Shared(torch.cat([private_BTP, shared_BTS], dim=-1), self.batch_losses(views, task), trace, views)

    def batch_losses(self, views: Mapping[str, Tensor], task: str) -> dict[str, Tensor]:
        shared_BS, private_BP = views["shared"], views["private"]
        losses = {}
        if self.discriminator is not None:
            logits_BK = self.discriminator(reverse_gradient(shared_BS, self.reversal))
            targets_B = torch.full(logits_BK.shape[:1], self.tasks.index(task), device=logits_BK.device)
            losses["adversarial"] = self.adversarial_weight * F.cross_entropy(logits_BK, targets_B)
        if self.difference_weight:
            difference = difference_loss(shared_BS, private_BP, self.difference_norm)
            losses["difference"] = self.difference_weight * difference
        return losses

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        # With one task there is nothing to tell apart: what is left is the plain shared-private model.
        encoders = {name: setting for name, setting in scheme.to_json().items() if name.endswith("encoder")}
        return SharedLayer({"encoder": (r"^sharing\.shared\.",)}, Lazy.of(ParallelSharedPrivate, **encoders))

    @torch.no_grad()
    def _trace(self, shared_BS: Tensor) -> GuessTrace | None:
        if self.discriminator is None:
            return None
        return GuessTrace(self.discriminator(shared_BS).softmax(dim=1), tuple(self.tasks))


def _discriminator(input_dim: int, tasks: list[str]) -> nn.Linear:
    if len(tasks) < 2:
        raise ConfigError(
            f"adversarial_weight: a discriminator has nothing to tell apart with '{tasks[0]}' as the only task; "
            "set it to 0, or give a second task"
        )
    return nn.Linear(input_dim, len(tasks))
