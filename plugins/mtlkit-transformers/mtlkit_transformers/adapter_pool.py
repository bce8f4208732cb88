"""Sharing through a pool of adapters inside a frozen encoder.

Shapes: B batch, T time steps, E size of the encoder's states.
"""

from collections.abc import Iterator, Sequence
from typing import cast, final

from torch import Tensor, nn

from mtlkit import Embedder, Lazy, ModulePath, NonNegativeInt, PoolSelector, Runtime, Shared, SharingScheme, Text
from mtlkit.errors import ConfigError
from mtlkit.kernels.sequences import zero_padding
from mtlkit.sharing import SelectingScheme
from mtlkit.sharing.selectors import Controller
from mtlkit.types import PartCount
from mtlkit_transformers.adaptable_layers import AdaptableLayers
from mtlkit_transformers.adapters import Adapter, BottleneckAdapter
from mtlkit_transformers.embedder import TransformerEmbedder


@final
@SharingScheme.register("adapter_pool")
class AdapterPool(SelectingScheme):
    """The module pool of Chen et al. 2018 (eq. 3), whose modules are adapters in a frozen encoder.

    The first adapter of a task's path stands in the encoder's first layer, the second in the next one, and so on;
    layers behind the last adapter of a path have none. Adapters know no place: any one can stand in any layer, and more
    than once. Heads read the encoder's states. Only the adapters on a batch's path run and learn. What several paths of
    a batch have in common from the first layer on is run once.

    adapter: built `num_modules` times. `prefix` is read by all layers, and is no module.
    num_modules: L, adapters in the pool; numbered from 0 wherever a path is written down.
    max_length: the maximum number of adapters on a path. If the encoder has several times as many layers, each step of
        a path is that many layers, in which a module has an adapter for each. None for as many steps as layers.
    first_layer: the layer, from 0, in which paths begin. Layers below have no adapters, and are run once for all paths.
    selector: chooses the paths. One that learns needs an update strategy that searches.

    Raises:
        ConfigError: the embedder is not a frozen `transformer`, or the adapters, paths or selector do not fit it.
    """

    def __init__(
        self,
        adapter: Lazy[Adapter] = Lazy.of(BottleneckAdapter),
        num_modules: PartCount = 20,
        max_length: PartCount | None = None,
        first_layer: NonNegativeInt = 0,
        selector: Lazy[PoolSelector] = Lazy.of(Controller),
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
        embedder: Runtime[Embedder | None],
    ) -> None:
        super().__init__()
        layers = _layers_in(embedder)
        steps = _num_steps(layers, max_length, first_layer)
        self._first_layer, self._layers_per_step = first_layer, (len(layers) - first_layer) // steps
        places = range(first_layer, first_layer + self._layers_per_step)
        self.pool = nn.ModuleList(
            nn.ModuleList(layers.build(adapter, place) for place in places) for _ in range(num_modules)
        )
        if any(each.num_tokens for each in self._adapters((0,))):
            raise ConfigError(
                f"adapter: '{adapter.type}' adds tokens that all layers read, so that it cannot be in some of them; "
                "take 'bottleneck' or 'lora'"
            )
        self.output_dim = input_dim
        self.selector = selector.build(num_modules=num_modules, max_length=steps, tasks=tasks)

    def read(
        self,
        embedder: Embedder,
        text: Text,
        task: str,
        *,
        with_trace: bool = False,
        path: ModulePath | None = None,
    ) -> Shared:
        path = self.chosen(task) if path is None else path
        with _layers_in(embedder).carrying([*[None] * self._first_layer, *self._adapters(path)]):
            return super().read(embedder, text, task, with_trace=with_trace, path=path)

    def read_paths(self, embedder: Embedder, text: Text, task: str, paths: Sequence[ModulePath]) -> list[Shared]:
        # In lexicographic order, paths with a common beginning follow one another.
        with _layers_in(embedder).remembering():
            along = {path: self.read(embedder, text, task, path=path) for path in sorted(set(paths))}
        return [along[path] for path in paths]

    def forward(
        self,
        states_BTE: Tensor,
        mask_BT: Tensor,
        task: str,
        *,
        with_trace: bool = False,
        path: ModulePath | None = None,
    ) -> Shared:
        """The states of an encoder that had the path's adapters inside when it read; see `read`."""
        trace = self.trace_of(task, self.chosen(task) if path is None else path) if with_trace else None
        return Shared(zero_padding(states_BTE, mask_BT), trace=trace)

    def _adapters(self, path: ModulePath) -> Iterator[Adapter]:
        return (cast(Adapter, adapter) for number in path for adapter in cast(nn.ModuleList, self.pool[number]))


def _layers_in(embedder: Embedder | None) -> AdaptableLayers:
    """The layers of a model's embedder. Raises ConfigError if it is none that the pool could be in."""
    if not isinstance(embedder, TransformerEmbedder):
        raise ConfigError("'adapter_pool' puts its adapters into the embedder, which must be a 'transformer'")
    if embedder.layers_for_adapters is None:
        raise ConfigError("'adapter_pool' is for a frozen encoder; set trainable: false in the embedder")
    if embedder.adapters is not None:
        raise ConfigError("'adapter_pool' has the adapters; leave out those of the embedder")
    return embedder.layers_for_adapters


def _num_steps(layers: AdaptableLayers, max_length: int | None, first_layer: int) -> int:
    """The maximum number of adapters on a path."""
    if layers.repeats:
        raise ConfigError(
            "'adapter_pool' needs an encoder whose layers have weights of their own, which ALBERT's do not"
        )
    free = len(layers) - first_layer
    if free < 1:
        raise ConfigError(f"first_layer: the encoder's layers are 0 to {len(layers) - 1}; take one of them")
    if max_length is not None and free % max_length:
        raise ConfigError(
            f"max_length: {free} layers cannot be divided into {max_length} steps of equal length; take a divisor of "
            f"{free}, or another first_layer"
        )
    return max_length or free
