"""What several processes share out of a model by rows: word tables, large parts of embedders, and what an optimizer
keeps of them.

Shapes: V rows of a table or a parameter, E numbers of a row.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, final

import torch
from torch import Tensor, nn

from mtlkit.embedders import Embedder, WordTable, sharded_tables
from mtlkit.errors import ComponentError, ConfigError
from mtlkit.model import MultiTaskModel
from mtlkit.process.shared_parameters import SharedParameter, shared_parameters

Shard = Literal["none", "tables", "encoders", "all"]
WHOLE = "take trainer.shard: 'none'"


class Keeper(Protocol):
    """A table or a parameter of which each process keeps other rows."""

    @property
    def shape(self) -> torch.Size:
        """The shape of the whole."""
        ...

    @property
    def whole(self) -> Tensor:
        """All rows that this process has, without gradient."""
        ...

    def own_rows(self, whole: Tensor) -> Tensor:
        """A copy of the rows of this process, given all."""
        ...

    def pieces(self, own: Tensor | None = None) -> Iterator[Tensor]:
        """Yields all rows in pieces, in the first process, given what each process has of its rows."""
        ...


@final
@dataclass(frozen=True)
class SharedRows:
    """Numbers that processes keep for the rows of a table or a parameter, each for its own: a whole tensor, but in
    pieces.
    """

    keeper: Keeper
    own: Tensor

    @property
    def shape(self) -> torch.Size:
        """The shape of the whole."""
        return torch.Size((self.keeper.shape[0], *self.own.shape[1:]))

    @property
    def dtype(self) -> torch.dtype:
        """The type of the numbers."""
        return self.own.dtype

    def pieces(self) -> Iterator[Tensor]:
        """Yields the whole in pieces in the first process, while all iterate."""
        return self.keeper.pieces(self.own)


def sharded(model: nn.Module) -> dict[str, Keeper]:
    """What several processes share out of a model, by all names of its parameters."""
    return {**sharded_tables(model), **shared_parameters(model)}


def with_rows(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor | SharedRows]:
    """Some tensors of a model's state by name, with the whole of what processes share out in place of the rows of this
    process."""
    keepers = sharded(model)
    return {
        name: SharedRows(keepers[name], keepers[name].whole) if name in keepers else tensors[name] for name in tensors
    }


@final
class Shards:
    """What the processes of a run share out.

    Each process keeps some rows of a table or a parameter, with their gradients and whatever the optimizer keeps of
    them, which must treat each number for itself. A gradient of a row comes to the process that keeps it in the
    backward pass, summed over the texts of all processes, so that it is not exchanged again.

    Optimizers and norms see `own` parameters: ordinary ones with the rows of this process.

    Args:
        tables: which have been sharded.
        parameters: which have been shared out.
    """

    def __init__(self, tables: Collection[WordTable] = (), parameters: Collection[SharedParameter] = ()) -> None:
        self._parameters = list(parameters)
        self._own = {id(each.in_model): each.own for each in parameters}
        self._in_model = {id(each.own): each.in_model for each in parameters}
        self._keepers: dict[int, Keeper] = {id(table.weight): table for table in tables}
        self._keepers.update({id(each.own): each for each in parameters})

    @classmethod
    def of(cls, model: MultiTaskModel, shard: Shard) -> "Shards":
        """Shards tables, large parts of embedders, or both, if the processes of a model are several.

        Raises:
            ConfigError: there is nothing to shard, an embedder rules it out, or a parameter is also something else.
            ComponentError: the large parts of an embedder are not what they must be.
        """
        tables = _tables(model) if shard in ("tables", "all") else {}
        parts = _large_parts(model) if shard in ("encoders", "all") else {}
        if shard != "none" and not tables and not parts:
            raise ConfigError(f"trainer.shard: '{shard}' finds {NOTHING[shard]} in the model; {WHOLE}")
        _check_used_once(model, [*tables.values(), *(part for own in parts.values() for part in own)])
        ranks = model.compute.ranks
        if ranks.size == 1:
            return cls()
        for table in tables.values():
            table.shard(ranks)
        for own in parts.values():
            ranks.share_out(own)
        shared = {id(each): each for each in shared_parameters(model).values()}
        return cls(tables.values(), shared.values())

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._keepers)

    def __contains__(self, parameter: nn.Parameter) -> bool:
        """Whether a parameter has only the rows of this process."""
        return id(parameter) in self._keepers

    def own(self, parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
        """What stands for parameters of the model in the optimizer."""
        return [self._own.get(id(each), each) for each in parameters]

    def in_model(self, parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
        """The parameters of the model for which `own` has returned these."""
        return [self._in_model.get(id(each), each) for each in parameters]

    def take_gradients(self) -> None:
        """Gives the `own` parameters the gradients that the backward pass has added up."""
        for each in self._parameters:
            gradient: Any = each.in_model.grad
            each.own.grad = None if gradient is None else gradient.to_local()

    def forget_gradients(self) -> None:
        """Forgets the gradients of parameters in the model that have others in the optimizer."""
        for each in self._parameters:
            each.in_model.grad = None

    def rows(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> dict[str, SharedRows]:
        """What the state of an optimizer has of the rows of this process, by names for a file."""
        return {
            f"{number}.{name}": SharedRows(keeper, value)
            for number, keeper in self._numbered(optimizer)
            for name, value in state["state"].get(number, {}).items()
            if _is_of_rows(value, keeper.whole.shape)
        }

    def without_rows(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
        """A state without what `rows` returns of it."""
        kept = dict(state["state"])
        for number, keeper in self._numbered(optimizer):
            if number in kept:
                items = kept[number].items()
                kept[number] = {name: value for name, value in items if not _is_of_rows(value, keeper.whole.shape)}
        return {**state, "state": kept}

    def own_rows(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
        """A state with the rows of this process alone, given one with all rows."""
        kept = dict(state["state"])
        for number, keeper in self._numbered(optimizer):
            if number in kept:
                kept[number] = {
                    name: keeper.own_rows(value) if _is_of_rows(value, keeper.shape) else value
                    for name, value in kept[number].items()
                }
        return {**state, "state": kept}

    def _numbered(self, optimizer: torch.optim.Optimizer) -> list[tuple[int, Keeper]]:
        """Tables and parameters by the numbers under which the optimizer's state knows them."""
        weights = [id(each) for group in optimizer.param_groups for each in group["params"]]
        return [(number, self._keepers[each]) for number, each in enumerate(weights) if each in self._keepers]


def with_all_rows(state: Mapping[str, Any], rows: Mapping[str, Tensor]) -> dict[str, Any]:
    """The state of an optimizer with what `Shards.rows` had taken out of it, given whole."""
    kept = {number: dict(memory) for number, memory in state["state"].items()}
    for place, value in rows.items():
        number, _, name = place.partition(".")
        kept[int(number)][name] = value
    return {**state, "state": kept}


NOTHING = {
    "tables": "no table of words",
    "encoders": "no pretrained encoder that is trained",
    "all": "neither a table of words nor a pretrained encoder that is trained",
}
"""What is missing where there is nothing to shard."""


def _tables(model: nn.Module) -> dict[str, WordTable]:
    return {name: part for name, part in model.named_modules() if isinstance(part, WordTable)}


def _large_parts(model: nn.Module) -> dict[str, list[nn.Module]]:
    """The large parts of each embedder that has some."""
    found = {name: part for name, part in model.named_modules() if isinstance(part, Embedder)}
    try:
        every = {name: list(part.large_parts()) for name, part in found.items()}
    except ConfigError as error:
        raise ConfigError(f"trainer.shard: 'encoders' is not possible with this embedder: {error}") from None
    for name, parts in every.items():
        if parts and set(parts) - set(parts[-1].modules()):
            raise ComponentError(f"{type(found[name]).__qualname__}.large_parts: the last part must contain all others")
    return {name: parts for name, parts in every.items() if parts}


def _check_used_once(model: nn.Module, parts: Collection[nn.Module]) -> None:
    """Raises ConfigError if a parameter of some parts is one of another module as well, which would keep it whole."""
    uses = Counter(id(each) for part in model.modules() for each in part.parameters(recurse=False))
    own = {id(each) for part in parts for each in part.parameters()}
    for name, parameter in model.named_parameters():
        if id(parameter) in own and uses[id(parameter)] > 1:
            raise ConfigError(f"trainer.shard: {name} is a weight of another part as well; {WHOLE}")


def _is_of_rows(value: object, shape: torch.Size) -> bool:
    return isinstance(value, Tensor) and value.shape == shape
