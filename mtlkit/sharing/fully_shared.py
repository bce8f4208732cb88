"""Full sharing: one encoder for all tasks."""

from typing import Self, final

from torch import Tensor

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import Encoder
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme


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
