"""Tables whose gradients several processes add up row by row, those rows alone that a text of the batch has."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeGuard, cast, final

from torch import nn

from mtlkit.model import MultiTaskModel

SMALLEST = {"cpu": 2**16, "cuda": 2**24}
"""How many numbers a table has at least. Smaller ones take less time whole than the search for rows does. A GPU must
wait for its backward pass to know the rows, where the exchange of a whole table is otherwise started ahead of it."""


@final
class SharedTables:
    """Makes gradients of tables sparse while a step finds them, and leaves the tables as they are otherwise.

    A table is the weight of an `nn.Embedding`, which then has a gradient for each word of a batch in place of one for
    each row. Where it is read in another way besides, such as by an output layer that has the same weight, autograd
    makes the gradient dense, and it is added up as a whole.

    Args:
        modules: the embeddings; none leaves all gradients dense.
    """

    def __init__(self, modules: Sequence[nn.Embedding] = ()) -> None:
        self._modules = modules

    @classmethod
    def of(cls, model: MultiTaskModel, parameters: Iterable[nn.Parameter]) -> "SharedTables":
        """Returns the tables of a model for which it pays, none in one process.

        Args:
            model: handed the processes by its `compute`.
            parameters: those whose gradients are added up.
        """
        if model.compute.ranks.size == 1:
            return cls()
        trained = {id(each) for each in parameters}
        return cls([each for each in model.modules() if _is_table(each) and id(each.weight) in trained])

    @property
    def weights(self) -> list[nn.Parameter]:
        """The tables' weights, each once: of several embeddings that share one, too."""
        return [cast(nn.Parameter, weight) for weight in dict.fromkeys(each.weight for each in self._modules)]

    @contextmanager
    def by_rows(self) -> Iterator[None]:
        """Makes gradients that are computed inside the block sparse."""
        self._set(sparse=True)
        try:
            yield
        finally:
            self._set(sparse=False)

    def _set(self, *, sparse: bool) -> None:
        for module in self._modules:
            module.sparse = sparse


def _is_table(module: nn.Module) -> TypeGuard[nn.Embedding]:
    """Whether it is an embedding, large enough, whose gradient can be sparse."""
    if not isinstance(module, nn.Embedding) or module.scale_grad_by_freq or module.sparse:
        return False
    weight = module.weight
    return type(weight) is nn.Parameter and weight.numel() >= SMALLEST.get(weight.device.type, math.inf)
