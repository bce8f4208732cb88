"""Rows of word tables that no training text reads, kept out of an optimizer's steps, to the same bits."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from mtlkit.data import TaskSplit
from mtlkit.embedders import WordTable
from mtlkit.model import MultiTaskModel

UNIT = 64
"""Tables are cut at multiples of so many rows. Optimizers work through a table in vectors of several numbers and, where
it ends between them, number by number, which may round otherwise."""


def rows_read(model: MultiTaskModel, splits: Mapping[str, TaskSplit]) -> dict[WordTable, int]:
    """Returns how many of a table's first rows these texts read, for each word table of which that is known."""
    rows: dict[WordTable, int] = {}
    for task, split in splits.items():
        for table, number in model.embedder(task).rows_read(split.words()):
            rows[table] = max(number, rows.get(table, 0))
    return rows


@final
class UnmetRows:
    """Word tables whose last rows an optimizer is spared.

    A table is cut only where that changes no bit: where the optimizer leaves rows as they are that have never had a
    gradient, and keeps zeros of them. It is cut on CPUs only: elsewhere an error in this could not be told from others.

    Args:
        optimizer: over the tables' weights, among others; before its first step.
        rows: how many of a table's first rows training reads.
        leaves: whether the optimizer leaves other rows as they are, given a parameter group with its settings.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, rows: Mapping[WordTable, int], leaves: Callable[[dict[str, Any]], bool]
    ) -> None:
        self._optimizer = optimizer
        self._leaves = leaves
        trained = {id(each) for group in optimizer.param_groups for each in group["params"]}
        self._rows = {
            table: -(-table.num_own(number) // UNIT) * UNIT
            for table, number in rows.items()
            if id(table.weight) in trained and table.weight.device.type == "cpu"
        }
        self._cut()

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state as it would be if it had gone through all rows, which every version can load."""
        state = self._optimizer.state_dict()
        numbers = self._numbers()
        kept = dict(state["state"])
        for table in self._rows:
            if (number := numbers[id(table.weight)]) in kept:
                missing = len(table.whole) - len(table.weight)
                kept[number] = {
                    name: _with_zeros(value, missing) if _is_of(value, table.weight) else value
                    for name, value in kept[number].items()
                }
        return {**state, "state": kept}

    def load_state_dict(self, state: Mapping[str, Any], change: Callable[[], None]) -> None:
        """Restores a state of all rows, after which `change` gives the optimizer's groups the settings that count."""
        for table in self._rows:
            table.train_all()
        self._optimizer.load_state_dict(dict(state))
        change()
        self._cut()

    def _cut(self) -> None:
        groups = {id(each): group for group in self._optimizer.param_groups for each in group["params"]}
        for table, num_rows in self._rows.items():
            kept = self._optimizer.state.get(table.weight, {})
            memory = {name: value for name, value in kept.items() if _is_of(value, table.weight)}
            if self._leaves(groups[id(table.weight)]) and not any(map(_any_after(num_rows), memory.values())):
                kept.update({name: value[:num_rows].clone() for name, value in memory.items()})
                table.train_first(num_rows)

    def _numbers(self) -> dict[int, int]:
        """The numbers by which the optimizer's state knows its parameters."""
        parameters: Iterable[nn.Parameter] = (
            each for group in self._optimizer.param_groups for each in group["params"]
        )
        return {id(parameter): number for number, parameter in enumerate(parameters)}


def _is_of(value: object, weight: Tensor) -> bool:
    return isinstance(value, Tensor) and value.shape == weight.shape


def _any_after(num_rows: int) -> Callable[[Tensor], bool]:
    return lambda value: bool(value[num_rows:].any())


def _with_zeros(value: Tensor, missing: int) -> Tensor:
    return torch.cat([value, value.new_zeros(missing, *value.shape[1:])])
