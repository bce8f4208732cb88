"""The layers of a frozen encoder, as places for adapters.

Shapes: R rows of a batch, P tokens of the longest row, H size of a state, I and O sizes of a linear map.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from threading import RLock
from typing import Any, final

from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit_transformers.adapters import Adapter
from mtlkit_transformers.encoder import stack_of

Key = tuple[int | None, ...]
"""Which adapters a layer and those below it carry."""


@final
class AdaptableLayers:
    """Runs an encoder with adapters in its layers, without changing its weights:

        with layers.carrying([first, second, None]):
            encoder(...)

    Adapters are put in for all who use the encoder, so that threads run it with adapters one after another. Until the
    first are built, the encoder is left alone.

    Args:
        encoder: a frozen encoder of a kind in `KINDS`.
        config: its configuration.
        num_layers: how many of its layers are there for adapters, from the first on.
    """

    def __init__(self, encoder: nn.Module, config: Any, num_layers: int) -> None:
        self._encoder, self._config, self._num_layers = encoder, config, num_layers
        self.are_carrying = False
        """Whether the block of a `with` statement of `carrying` is being run."""
        self._turn = _Turn()

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def repeats(self) -> bool:
        """Whether the encoder runs a layer several times in a row, with the same weights."""
        return hasattr(self._config, "num_hidden_groups")

    def build(self, adapter: Lazy[Adapter], number: int) -> Adapter:
        """Builds an adapter for one of the layers.

        Raises:
            ConfigError: it does not fit the layer.
        """
        return adapter.build(layer=self._places[number].layer, hidden_size=self._config.hidden_size)

    def build_all(self, adapter: Lazy[Adapter]) -> Iterator[Adapter]:
        """Builds an adapter for each of the layers.

        Raises:
            ConfigError: there are no layers.
        """
        if not self._layers:
            raise ConfigError("adapters: there is no layer below the one that `layers` reads; take a later one")
        return (self.build(adapter, number) for number in range(len(self)))

    @contextmanager
    def carrying(self, adapters: Sequence[Adapter | None]) -> Iterator[None]:
        """Puts adapters into the layers, from the first on, for the `with` statement's block; None for none.

        Other threads wait for the end of the block.
        """
        padded = [*adapters, *[None] * (len(self._places) - len(adapters))]
        keys = tuple(None if adapter is None else id(adapter) for adapter in padded)
        with self._turn:
            self.are_carrying = True
            try:
                for number, (place, adapter) in enumerate(zip(self._places, padded, strict=True)):
                    place.adapter, place.key = adapter, keys[: number + 1]
                yield
            finally:
                self.are_carrying = False
                for place in self._places:
                    place.adapter = None

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Runs the encoder on one batch several times in the `with` statement's block, with different adapters.

        A layer is not run again if it and all layers below carry the adapters of the last time. What paths have in
        common is then run once if they come in lexicographic order, and has one draw of dropout.
        """
        with self._turn:
            try:
                for number, place in enumerate(self._places):
                    place.memory = _Memory(is_first=number == 0)
                yield
            finally:
                for place in self._places:
                    place.memory = None

    @cached_property
    def _layers(self) -> list[nn.Module]:
        """The layers; of an ALBERT, its groups of layers, each of which is run several times."""
        config = self._config
        count = getattr(config, "num_hidden_groups", config.num_hidden_layers)
        layers = stack_of(self._encoder, count)
        if not layers:
            raise ConfigError(f"encoders of the kind {config.model_type} have no list of layers to put adapters into")
        return layers if self.repeats else layers[: self._num_layers]

    @cached_property
    def _places(self) -> list["_Place"]:
        return [_Place(layer) for layer in self._layers]


@final
class _Turn:
    """A lock, which the thread that has it may take again. A copy of a model gets one of its own."""

    def __init__(self) -> None:
        self._lock = RLock()

    def __reduce__(self) -> tuple[type["_Turn"], tuple[()]]:
        return _Turn, ()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


@final
class _Memory:
    """What a layer has computed the last time."""

    def __init__(self, is_first: bool) -> None:
        self.key: Key | None = None
        self.output: Any = None
        self._is_first = is_first
        self._input_RPH: Tensor | None = None

    def input(self, states_RPH: Tensor) -> Any:
        """The first layer's input of the first time, which only draws of dropout could make another one."""
        if not self._is_first:
            return states_RPH
        self._input_RPH = states_RPH if self._input_RPH is None else self._input_RPH
        return self._input_RPH


@final
class _Place:
    """Takes the place of a layer's `forward`."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer, self._forward = layer, layer.forward
        self.adapter: Adapter | None = None
        self.key: Key = ()
        self.memory: _Memory | None = None
        layer.forward = self
        for name, part in layer.named_modules():
            if isinstance(part, nn.Linear):
                part.register_forward_hook(partial(self._on_map, name))

    def __call__(self, states_RPH: Tensor, *rest: Any, **options: Any) -> Any:
        memory = self.memory
        if memory is None:
            return self._run(states_RPH, *rest, **options)
        if memory.key != self.key:
            memory.output = self._run(memory.input(states_RPH), *rest, **options)
            memory.key = self.key
        return memory.output

    def _run(self, states_RPH: Tensor, *rest: Any, **options: Any) -> Any:
        adapter = self.adapter
        if adapter is None:
            return self._forward(states_RPH, *rest, **options)
        found = self._forward(adapter.on_input(states_RPH), *rest, **options)
        if isinstance(found, tuple):
            return adapter.on_output(found[0]), *found[1:]
        return adapter.on_output(found)

    def _on_map(self, name: str, part: nn.Module, inputs: tuple[Tensor], outputs_RPO: Tensor) -> Tensor | None:
        if self.adapter is None or name not in self.adapter.changes:
            return None
        return self.adapter.on_map(name, inputs[0], outputs_RPO)
