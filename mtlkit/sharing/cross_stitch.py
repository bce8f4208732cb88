"""One network per task, whose states are mixed after every layer.

Shapes: B batch, T time steps, E input size, D state size, K tasks, N layers.
"""

from typing import ClassVar, Literal, Self, cast, final

import numpy as np
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import Encoder, encode_side_by_side
from mtlkit.errors import ConfigError
from mtlkit.kernels.compute import Computing, Operation
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.sharing.traces import MixtureTrace
from mtlkit.types import PartCount

OWN = 0.9
"""The initial weight of a task's own states with `init` = imbalanced."""


@final
@SharingScheme.register("cross_stitch")
class CrossStitch(SharingScheme, Computing):
    """After each layer, every task reads a learned mixture of all tasks' states (CS-MTL; Misra et al. 2016).

    The networks of all tasks run on each batch, so the cost of a step is proportional to the number of tasks. A mixture
    has one number for each layer and pair of tasks. Chen et al. 2018 give neither the number of layers nor the initial
    mixtures: two layers are our choice, the two initialisations those of the public code of sluice networks (Ruder et
    al. 2017).

    encoder: built once for every task and layer.
    layers: the number of encoders in each task's stack; a mixture follows each.
    init: `imbalanced` starts with 0.9 of the task's own states and the rest in equal parts, `uniform` with equal parts.

    Where we depart: mixtures have the learning rate of all other parameters, where Misra et al. use a higher one.

    Raises:
        ConfigError: there is only one task.
    """

    operations: ClassVar[tuple[Operation, ...]] = ("networks",)

    def __init__(
        self,
        encoder: Lazy[Encoder],
        layers: PartCount = 2,
        init: Literal["imbalanced", "uniform"] = "imbalanced",
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        if len(tasks) < 2:
            raise ConfigError(f"there is nothing to stitch '{tasks[0]}' to: cross_stitch needs at least two tasks")
        first = {task: encoder.build(input_dim=input_dim) for task in tasks}
        self.output_dim = first[tasks[0]].output_dim
        self.networks = nn.ModuleList([nn.ModuleDict(first)])
        for _ in range(layers - 1):
            self.networks.append(nn.ModuleDict({task: encoder.build(input_dim=self.output_dim) for task in tasks}))
        self.mixtures_NKK = nn.Parameter(_initial_mixtures(layers, len(tasks), init))
        self.tasks = list(tasks)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        inputs_KBTD = states_BTE.expand(len(self.tasks), -1, -1, -1)
        *lower_NKK, top_KK = self.mixtures_NKK
        for network, mixture_KK in zip(self.networks, lower_NKK, strict=False):
            inputs_KBTD = _mix(mixture_KK, self._layer(network, inputs_KBTD, mask_BT))
        states_KBTD = self._layer(self.networks[-1], inputs_KBTD, mask_BT)
        # Only the batch's own task goes on to a head, so that the last mixture is one row.
        place = self.tasks.index(task)
        trace = MixtureTrace(self.mixtures_NKK[:, place].detach().clone(), tuple(self.tasks)) if with_trace else None
        return Shared(_mix(top_KK[place], states_KBTD), trace=trace)

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        raise ConfigError("in 'cross_stitch' each network belongs to a task, and none to all of them")

    def _layer(self, network: nn.Module, inputs_KBTD: Tensor, mask_BT: Tensor) -> Tensor:
        """The states (K, B, T, D) of every task's encoder of one layer, before they are mixed."""
        assert isinstance(network, nn.ModuleDict)
        encoders = [cast(Encoder, network[task]) for task in self.tasks]
        return encode_side_by_side(encoders, inputs_KBTD, mask_BT, self.compute, self.note)


def _mix(weights: Tensor, states_KBTD: Tensor) -> Tensor:
    """The weighted sum over tasks: (B, T, D) with weights (K,), (K, B, T, D) with weights (K, K)."""
    # Autocast does not cover tensordot, so that float32 weights would meet half-precision states.
    mixed: Tensor = torch.tensordot(weights.to(states_KBTD.dtype), states_KBTD, dims=1)
    return mixed


def _initial_mixtures(layers: int, num_tasks: int, init: Literal["imbalanced", "uniform"]) -> Tensor:
    """The initial mixture of each layer (N, K, K). Row k is what task k reads."""
    own = OWN if init == "imbalanced" else 1 / num_tasks
    other = (1 - own) / (num_tasks - 1)
    # By NumPy: on the meta device, where models are checked, PyTorch imports its compiler for sums.
    mixture = np.full((num_tasks, num_tasks), other, np.float32) + np.float32(own - other) * np.eye(
        num_tasks, dtype=np.float32
    )
    return torch.tensor(np.tile(mixture, (layers, 1, 1)))
