"""One stack of encoders, which each task leaves at a depth of its own.

Shapes: B batch, T time steps, E input size, D state size.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self, final

from pydantic import Field
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime, nearest
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.types import PositiveInt, Probability


@final
@SharingScheme.register("hierarchical")
class Hierarchical(SharingScheme):
    """Heads at different depths of a shared stack, as for POS tags below chunks (Søgaard and Goldberg 2016).

    Liu et al. 2019 and Chen et al. 2018 show it in their Figure 1, as an alternative to their own schemes. A batch runs
    through, and trains, only the layers below its task's head.

    layers: the stack; each layer reads the states of the one before it, the first reads the input.
    depths: for each task the number of layers below its head, from 1.
    dropout: between layers only; dropout of the input is the embedder's, that of the output the model's.

    Raises:
        ConfigError: a task has no depth, or a depth names no task; a depth exceeds the stack, or no task uses its last
            layers; the states of two tasks differ in size.
    """

    def __init__(
        self,
        layers: Annotated[list[Lazy[Encoder]], Field(min_length=1)],
        depths: dict[str, PositiveInt],
        dropout: Probability = 0.0,
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        _check_depths(depths, tasks, len(layers))
        self.depths = dict(depths)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList()
        sizes = [input_dim]
        for layer in layers:
            built = layer.build(input_dim=sizes[-1])
            self.layers.append(built)
            sizes.append(built.output_dim)
        self.output_dim = _common_size({task: sizes[depths[task]] for task in tasks})

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        first, *others = list(self.layers)[: self.depths[task]]
        states_BTD: Tensor = first(states_BTE, mask_BT)
        for layer in others:
            states_BTD = layer(self.dropout(states_BTD), mask_BT)
        return Shared(states_BTD)

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        raise ConfigError(
            "in 'hierarchical' the layers stand for the depths of the tasks it knows, not for a new one's"
        )


def _check_depths(depths: Mapping[str, int], tasks: Sequence[str], num_layers: int) -> None:
    for named in depths:
        if named not in tasks:
            hint = nearest(named, list(tasks)) or f" (the tasks: {', '.join(tasks)})"
            raise ConfigError(f"depths: no task is named '{named}'{hint}")
    for task in tasks:
        if task not in depths:
            raise ConfigError(f"depths: task '{task}' has none; give the number of layers below its head")
        if depths[task] > num_layers:
            raise ConfigError(f"depths.{task}: is {depths[task]}, but the uppermost layer is {num_layers}")
    if (deepest := max(depths.values())) < num_layers:
        raise ConfigError(f"layers: no task has a head above layer {deepest}, so layer {deepest + 1} learns nothing")


def _common_size(sizes: Mapping[str, int]) -> int:
    (task, size), *others = sizes.items()
    for other, other_size in others:
        if other_size != size:
            raise ConfigError(
                f"layers: task '{task}' would have states of size {size} and task '{other}' of size {other_size}; "
                "give the layers that carry a head the same size"
            )
    return size
