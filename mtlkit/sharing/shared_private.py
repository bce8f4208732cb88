"""A shared encoder and one encoder for each task: one on top of the other, or side by side.

Shapes: B batch, T time steps, E input size, D output size (both encoders' states).
"""

from typing import Self, final

import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import Encoder
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme


@final
@SharingScheme.register("stacked_shared_private")
class StackedSharedPrivate(SharingScheme):
    """The shared encoder's output feeds the task's own encoder (SSP-MTL of Chen et al. 2018).

    encoder: built once to be shared, and once for every task.
    private_encoder: the encoder of each task, if it differs from the shared one.
    """

    def __init__(
        self,
        encoder: Lazy[Encoder],
        private_encoder: Lazy[Encoder] | None = None,
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.shared = encoder.build(input_dim=input_dim)
        own = private_encoder or encoder
        encoders = {task: own.build(input_dim=self.shared.output_dim) for task in tasks}
        self.private = nn.ModuleDict(encoders)
        self.output_dim = encoders[tasks[0]].output_dim

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        return Shared(self.private[task](self.shared(states_BTE, mask_BT), mask_BT))

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        return SharedLayer({"encoder": (r"^sharing\.shared\.",)}, scheme)


@final
@SharingScheme.register("parallel_shared_private")
class ParallelSharedPrivate(SharingScheme):
    """The head reads the states of the shared encoder and of the task's own, [shared; private].

    This is PSP-MTL of Chen et al. 2018, with a `bilstm`; with an `lstm` it is the plain shared-private model (SP) of
    Liu, Qiu and Huang 2017, who write the two parts in the other order.

    encoder: built once to be shared, and once for every task.
    private_encoder: the encoder of each task, if it differs from the shared one.
    """

    def __init__(
        self,
        encoder: Lazy[Encoder],
        private_encoder: Lazy[Encoder] | None = None,
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.shared = encoder.build(input_dim=input_dim)
        own = private_encoder or encoder
        encoders = {task: own.build(input_dim=input_dim) for task in tasks}
        self.private = nn.ModuleDict(encoders)
        self.output_dim = self.shared.output_dim + encoders[tasks[0]].output_dim

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        parts = [self.shared(states_BTE, mask_BT), self.private[task](states_BTE, mask_BT)]
        return Shared(torch.cat(parts, dim=-1))

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        return SharedLayer({"encoder": (r"^sharing\.shared\.",)}, scheme)
