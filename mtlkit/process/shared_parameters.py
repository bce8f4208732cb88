"""Parameters of which each of several processes keeps some rows, as `fully_shard` of torch deals them out.

Shapes: V rows of a parameter, N processes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from mtlkit.process.ranks import Ranks

PIECE = 2**22
"""How many numbers a process hands over at once where a parameter is written to a file."""
ATTRIBUTE = "_shared_parameters"
"""Where a module has its own `SharedParameter`s by name."""


@final
class SharedParameter:
    """A parameter of a module, whole only while the module is run.

    Process r of N keeps V/N consecutive rows, rounded up; the last processes may have fewer, or none.

    Attributes:
        in_model: the parameter in the module, a `DTensor`. The backward pass gives it the gradient of this process's
            rows, summed over all processes.
        own: these rows in the same memory, as an ordinary parameter for optimizers and norms.
    """

    def __init__(self, parameter: nn.Parameter, ranks: Ranks) -> None:
        self.in_model = parameter
        local: Any = parameter.detach()
        self.own = nn.Parameter(local.to_local())
        self._ranks = ranks

    @property
    def shape(self) -> torch.Size:
        """The shape of the whole parameter."""
        return self.in_model.shape

    @property
    def whole(self) -> Tensor:
        """All rows that this process has, without gradient."""
        return self.own.detach()

    def own_rows(self, whole: Tensor) -> Tensor:
        """A copy of the rows of this process, given all of them, or other numbers that are kept of each row."""
        start, end = self._rows_of(self._ranks.rank)
        return whole[start:end].clone(memory_format=torch.contiguous_format)

    def pieces(self, own: Tensor | None = None) -> Iterator[Tensor]:
        """Puts the rows of all processes together again, piece by piece.

        All processes must iterate at the same time, and the first one receives the rows, in their order; the others
        receive nothing.

        Args:
            own: numbers that this process keeps of each of its rows, in place of the parameter's.
        """
        own = self.whole if own is None else own
        step = max(1, PIECE // max(1, own[:1].numel() or self.shape[1:].numel()))
        for keeper in range(self._ranks.size):
            start, end = self._rows_of(keeper)
            for first in range(0, end - start, step):
                found = self._sent(keeper, own, first, min(first + step, end - start))
                if self._ranks.is_first:
                    yield found

    def take(self, whole: Tensor) -> None:
        """Takes over this process's rows of a whole."""
        start, end = self._rows_of(self._ranks.rank)
        self.whole.copy_(whole[start:end])

    @torch.no_grad()
    def _sent(self, keeper: int, own: Tensor, first: int, end: int) -> Tensor:
        """Some rows of one process, in the first process."""
        ranks = self._ranks
        if keeper == 0:
            return own[first:end]
        sends, receives = keeper == ranks.rank, ranks.is_first
        sent = [(end - first if sends and each == 0 else 0) for each in range(ranks.size)]
        received = [(end - first if receives and each == keeper else 0) for each in range(ranks.size)]
        return ranks.trade(own[first:end] if sends else own[:0], sent, received)

    def _rows_of(self, rank: int) -> tuple[int, int]:
        """The first row of a process and the one after its last, as `torch.chunk` cuts a tensor."""
        number, most = self.shape[0], -(-self.shape[0] // self._ranks.size)
        return min(rank * most, number), min((rank + 1) * most, number)


def mark(module: nn.Module, own: Mapping[str, SharedParameter]) -> None:
    """Notes the shared parameters that a module has itself, by name. It then loads states with whole parameters."""
    setattr(module, ATTRIBUTE, dict(own))
    module.register_load_state_dict_pre_hook(_take_own_rows)  # type: ignore[no-untyped-call]  # untyped in torch


def shared_parameters(module: nn.Module) -> dict[str, SharedParameter]:
    """The parameters in a module that several processes share out by `Ranks.share_out`, by all of their names."""
    return {
        f"{prefix}.{name}" if prefix else name: each
        for prefix, part in module.named_modules(remove_duplicate=False)
        for name, each in getattr(part, ATTRIBUTE, {}).items()
    }


def _take_own_rows(module: nn.Module, state: dict[str, Any], prefix: str, *others: Any) -> None:
    """Takes this process's rows out of a state that is being loaded. What does not fit is left for torch to refuse."""
    for name, shared in getattr(module, ATTRIBUTE).items():
        whole = state.get(f"{prefix}{name}")
        if isinstance(whole, Tensor) and whole.shape == shared.shape and not hasattr(whole, "to_local"):
            shared.take(whole)
            state[f"{prefix}{name}"] = shared.in_model.detach()
