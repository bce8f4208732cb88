"""Adapters: small trained parts inside the layers of a frozen encoder.

Shapes: R rows of a batch, P tokens of the longest row, H size of a state, I and O sizes of a linear map.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, cast, final

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlkit.config import Component, Runtime
from mtlkit.errors import ConfigError
from mtlkit.types import PositiveFloat, PositiveInt, Probability

TokenCount = Annotated[int, Field(gt=0, le=1000)]
"""The bound is for archives of strangers, whose tokens are counted before their weights are read."""
QUERIES_AND_VALUES = frozenset(
    {"query", "value", "q", "v", "q_lin", "v_lin", "q_proj", "v_proj", "query_proj", "value_proj"}
)
FUSED = frozenset({"in_proj", "Wqkv"})
"""Names of the linear maps that compute queries, keys and values at once."""


class Adapter(nn.Module, Component, offers=("layer", "hidden_size")):
    """What is trained inside one layer of a frozen encoder.

    The layers of an encoder have linear maps of the same names and sizes, so an adapter that is built for one layer can
    stand in any. It changes the layer's input, the output of its linear maps, or its own output; by default none.

    Given at build: `layer` (nn.Module), a layer of the encoder, to look at and not to keep; `hidden_size`, H.
    """

    num_tokens: int = 0
    """The number of tokens that are put before each row for the adapter to write on."""
    changes: frozenset[str] = frozenset()
    """The names of the layer's linear maps, as in `layer.named_modules()`, for which `on_map` is called."""

    def on_input(self, states_RPH: Tensor) -> Tensor:
        """Returns what the layer reads in place of its input."""
        return states_RPH

    def on_map(self, name: str, inputs_RPI: Tensor, outputs_RPO: Tensor) -> Tensor:
        """Returns what counts as the output of a linear map, given its input and its own output."""
        del name, inputs_RPI
        return outputs_RPO

    def on_output(self, states_RPH: Tensor) -> Tensor:
        """Returns what counts as the layer's output."""
        return states_RPH


@final
@Adapter.register("lora")
class LoraAdapter(Adapter):
    """Low-rank updates of linear maps, W x + (alpha / rank) B A x, computed by `peft` (Hu et al. 2022, LoRA, eq. 3).

    B is zero at first, so that training begins with the encoder as it was pretrained.

    rank: r, the number of rows of A.
    alpha: the scale of the update.
    dropout: applied to x in the update.
    target_modules: `attention`, the queries and values as in the paper, or the one map that computes them with the
        keys; `all` linear maps of a layer; or names of linear maps, or ends of names from a dot on, as in `peft`.
    rslora: whether to divide alpha by the square root of the rank (Kalajdzievski 2023).

    Raises:
        ConfigError: `peft` is not installed, or a layer has no such linear map.
    """

    def __init__(
        self,
        rank: PositiveInt = 8,
        alpha: PositiveFloat = 16,
        dropout: Probability = 0.0,
        target_modules: Literal["attention", "all"] | list[str] = "attention",
        rslora: bool = False,
        *,
        layer: Runtime[nn.Module],
    ) -> None:
        super().__init__()
        chosen = dict(_targets(layer, target_modules))
        self._names = {name: name.replace(".", "_") for name in chosen}
        maps = nn.ModuleDict({self._names[name]: linear for name, linear in chosen.items()})
        self.maps = _with_lora(maps, r=rank, lora_alpha=alpha, lora_dropout=dropout, use_rslora=rslora)
        self.changes = frozenset(chosen)

    def on_map(self, name: str, inputs_RPI: Tensor, outputs_RPO: Tensor) -> Tensor:
        adapted: Any = self.maps[self._names[name]]
        adapted.base_layer.outputs_RPO = outputs_RPO
        try:
            changed_RPO: Tensor = adapted(inputs_RPI)
        finally:
            adapted.base_layer.outputs_RPO = None
        return changed_RPO


@final
@Adapter.register("bottleneck")
class BottleneckAdapter(Adapter):
    """A small network behind the layer, h + U relu(D norm(h)) (Bapna and Firat 2019, section 2.1).

    U is zero at first, so that training begins with the encoder as it was pretrained; the paper does not say how its
    adapters begin. Those of Houlsby et al. 2019 stand inside the layer, behind attention and behind the feed-forward
    network.

    size: the number of rows of D.
    dropout: applied to what is added to h; the paper has none.
    """

    def __init__(self, size: PositiveInt = 64, dropout: Probability = 0.0, *, hidden_size: Runtime[int]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden_size)
        self.down = nn.Linear(hidden_size, size)
        self.up = nn.Linear(size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def on_output(self, states_RPH: Tensor) -> Tensor:
        added_RPH: Tensor = self.dropout(self.up(self.down(self.norm(states_RPH)).relu()))
        return states_RPH + added_RPH


@final
@Adapter.register("prefix")
class PrefixAdapter(Adapter):
    """Learned states that stand before each text at the input of every layer (Liu et al. 2022, P-tuning v2).

    The layer computes keys and values from them as from any other state, which works with every kind of encoder; prefix
    tuning (Li and Liang 2021) learns the keys and values themselves. The encoder reads `num_tokens` pieces fewer.

    num_tokens: the number of learned states of a layer.
    """

    def __init__(self, num_tokens: TokenCount = 10, *, hidden_size: Runtime[int]) -> None:
        super().__init__()
        self.num_tokens = num_tokens
        self.states_NH = nn.Parameter(torch.empty(num_tokens, hidden_size))
        nn.init.normal_(self.states_NH, std=0.02)

    def on_input(self, states_RPH: Tensor) -> Tensor:
        learned_RNH = self.states_NH.to(states_RPH.dtype).expand(len(states_RPH), -1, -1)
        return torch.cat([learned_RNH, states_RPH[:, self.num_tokens :]], dim=1)


def num_tokens(adapters: nn.ModuleList) -> int:
    """The number of tokens before each row that the adapters of all layers write on."""
    return max((adapter.num_tokens for adapter in adapters if isinstance(adapter, Adapter)), default=0)


class _OutputThatIsThere(nn.Linear):
    """Stands where `peft` has the encoder's linear map, which has run already."""

    outputs_RPO: Tensor | None = None

    def __init__(self, like: nn.Linear) -> None:
        nn.Module.__init__(self)  # without a weight
        self.in_features, self.out_features = like.in_features, like.out_features

    def forward(self, input: Tensor) -> Tensor:
        assert self.outputs_RPO is not None, "set before `peft` asks for it"
        return self.outputs_RPO


def _with_lora(maps: nn.ModuleDict, **settings: Any) -> nn.ModuleDict:
    """Returns linear maps with LoRA added by `peft`, without the maps themselves, which are the encoder's."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise ConfigError(
            "adapters of type 'lora' are computed by the package peft, which is not installed; install "
            "'mtlkit-transformers[adapters]', or take 'bottleneck'"
        ) from None
    assert not any(each.requires_grad for each in maps.parameters()), "peft would freeze them"
    adapted: nn.ModuleDict = inject_adapter_in_model(LoraConfig(target_modules=list(maps), **settings), maps)
    for each in adapted.values():
        each.base_layer = _OutputThatIsThere(cast(nn.Linear, each.base_layer))
    return adapted


def _targets(layer: nn.Module, wanted: str | Sequence[str]) -> Iterator[tuple[str, nn.Linear]]:
    """The linear maps of a layer that `target_modules` stands for, by name.

    Raises:
        ConfigError: there is none, or none for one of the names.
    """
    linear = {name: part for name, part in layer.named_modules() if isinstance(part, nn.Linear)}
    ends = {name: name.rpartition(".")[2] for name in linear}
    if wanted == "all":
        found = list(linear)
    elif wanted == "attention":
        found = [name for name in linear if ends[name] in QUERIES_AND_VALUES | FUSED]
    else:
        found = [name for name in linear if any(f".{name}".endswith(f".{end}") for end in wanted)]
        missing = [end for end in wanted if not any(f".{name}".endswith(f".{end}") for name in linear)]
        if missing or not wanted:
            raise ConfigError(
                f"target_modules: no linear map is named {missing[0] if missing else '[]'}; a layer of the encoder has "
                f"{', '.join(linear)}"
            )
    if not found:
        raise ConfigError(f"target_modules: name some of the linear maps of a layer, {', '.join(linear)}")
    yield from ((name, linear[name]) for name in found)
