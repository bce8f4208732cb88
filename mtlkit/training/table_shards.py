"""Word tables whose rows several processes share out: which they are, and what an optimizer keeps of them.

Shapes: V words, E embedding size.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from mtlkit.embedders import WordTable, sharded_tables
from mtlkit.errors import ConfigError
from mtlkit.model import MultiTaskModel

Shard = Literal["none", "tables"]
WHOLE = "take trainer.shard: 'none'"


@final
@dataclass(frozen=True)
class TableRows:
    """Numbers that processes keep for the rows of a table, each for its own: a whole tensor (V, E), but in pieces."""

    table: WordTable
    own: Tensor

    @property
    def shape(self) -> torch.Size:
        """The shape of the whole."""
        return torch.Size((self.table.num_embeddings, *self.own.shape[1:]))

    @property
    def dtype(self) -> torch.dtype:
        """The type of the numbers."""
        return self.own.dtype

    def pieces(self) -> Iterator[Tensor]:
        """Yields the whole in pieces in the first process, while all iterate; see `WordTable.pieces`."""
        return self.table.pieces(self.own)


def with_rows(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor | TableRows]:
    """Some tensors of a model's state by name, with the whole of a table in place of the rows of this process."""
    tables = sharded_tables(model)
    return {name: TableRows(tables[name], tables[name].whole) if name in tables else tensors[name] for name in tensors}


@final
class TableShards:
    """The tables that the processes of a run share out.

    Process r of N keeps rows r, r + N, ... of a table, with their gradients and whatever the optimizer keeps of them,
    which must treat each number for itself. A gradient of a row comes to the process that keeps it in the backward
    pass, summed over the texts of all processes, so that it is not exchanged again.

    Args:
        tables: which have been sharded.
    """

    def __init__(self, tables: Collection[WordTable] = ()) -> None:
        self._tables = {id(table.weight): table for table in tables}

    @classmethod
    def of(cls, model: MultiTaskModel, shard: Shard) -> "TableShards":
        """Shards the tables of a model, if its processes are several.

        Raises:
            ConfigError: there is nothing to shard, or a table is also something else.
        """
        if shard == "none":
            return cls()
        tables = {name: part for name, part in model.named_modules() if isinstance(part, WordTable)}
        if not tables:
            raise ConfigError(f"trainer.shard: 'tables' finds no table of words in the model; {WHOLE}")
        uses = Counter(id(each) for part in model.modules() for each in part.parameters(recurse=False))
        if shared := next((name for name, table in tables.items() if uses[id(table.weight)] > 1), None):
            raise ConfigError(f"trainer.shard: {shared}.weight is a weight of another part as well; {WHOLE}")
        ranks = model.compute.ranks
        if ranks.size == 1:
            return cls()
        for table in tables.values():
            table.shard(ranks)
        return cls(tables.values())

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._tables)

    def __contains__(self, parameter: nn.Parameter) -> bool:
        """Whether a parameter has only rows of a table."""
        return id(parameter) in self._tables

    def rows(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> dict[str, TableRows]:
        """What the state of an optimizer has of the rows of this process, by names for a file."""
        return {
            f"{number}.{name}": TableRows(table, value)
            for number, table in self._numbered(optimizer)
            for name, value in state["state"].get(number, {}).items()
            if _is_of_rows(value, table.whole.shape)
        }

    def without_rows(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
        """A state without what `rows` returns of it."""
        kept = dict(state["state"])
        for number, table in self._numbered(optimizer):
            if number in kept:
                items = kept[number].items()
                kept[number] = {name: value for name, value in items if not _is_of_rows(value, table.whole.shape)}
        return {**state, "state": kept}

    def own_rows(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
        """A state with the rows of this process alone, given one with all rows."""
        kept = dict(state["state"])
        for number, table in self._numbered(optimizer):
            if number in kept:
                shape = torch.Size((table.num_embeddings, table.embedding_dim))
                kept[number] = {
                    name: table.own_rows(value) if _is_of_rows(value, shape) else value
                    for name, value in kept[number].items()
                }
        return {**state, "state": kept}

    def _numbered(self, optimizer: torch.optim.Optimizer) -> list[tuple[int, WordTable]]:
        """The tables by the numbers under which the optimizer's state knows their weights."""
        weights = [id(each) for group in optimizer.param_groups for each in group["params"]]
        return [(number, self._tables[each]) for number, each in enumerate(weights) if each in self._tables]


def with_table_rows(state: Mapping[str, Any], rows: Mapping[str, Tensor]) -> dict[str, Any]:
    """The state of an optimizer with what `TableShards.rows` had taken out of it, given whole."""
    kept = {number: dict(memory) for number, memory in state["state"].items()}
    for place, value in rows.items():
        number, _, name = place.partition(".")
        kept[int(number)][name] = value
    return {**state, "state": kept}


def _is_of_rows(value: object, shape: torch.Size) -> bool:
    return isinstance(value, Tensor) and value.shape == shape
