"""Schemes in which one encoder reads a text: one encoder for each task (private), or one for all (fully shared).

Shapes: B batch, T time steps, E input size.
"""

from typing import Self, final

from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme


@final
@SharingScheme.register("private")
class Private(SharingScheme):
    """One encoder for each task, as in single-task training. Whether the tasks share an embedder is set by the model's
    `share_embedder`.

    encoder: built once for every task.
    """

    def __init__(self, encoder: Lazy[Encoder], *, input_dim: Runtime[int], tasks: Runtime[list[str]]) -> None:
        super().__init__()
        encoders = {task: encoder.build(input_dim=input_dim) for task in tasks}
        self.encoders = nn.ModuleDict(encoders)
        self.output_dim = encoders[tasks[0]].output_dim

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        return Shared(self.encoders[task](states_BTE, mask_BT))

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        raise ConfigError("'private' shares nothing between tasks that a new one could read")


@final
@SharingScheme.register("fully_shared")
class FullyShared(SharingScheme):
    """One encoder for all tasks; only the heads differ (FS-MTL in both papers).

    encoder: built once.
    """

    def __init__(self, encoder: Lazy[Encoder], *, input_dim: Runtime[int]) -> None:
        super().__init__()
        self.encoder = encoder.build(input_dim=input_dim)
        self.output_dim = self.encoder.output_dim

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        return Shared(self.encoder(states_BTE, mask_BT))

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        return SharedLayer({"encoder": (r"^sharing\.encoder\.",)}, scheme)
