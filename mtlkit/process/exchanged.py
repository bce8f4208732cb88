"""Tensors as the processes of a run exchange them: rows of a batch, what goes into buckets, states of random numbers.

Shapes: B texts of a batch, R of them in one process's share, D size of a state.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

LARGEST_BUCKET = 2**24
"""The largest number of gradients that are added up at once, for which as much memory is taken again."""


class Sized(Protocol):
    """Numbers of one type, as many in every process."""

    @property
    def dtype(self) -> torch.dtype: ...

    def numel(self) -> int: ...


SizedT = TypeVar("SizedT", bound=Sized)


class Assembled(torch.autograd.Function):
    """Rows of all processes in one tensor. In the backward pass each row has the sum of its gradients everywhere."""

    @staticmethod
    def forward(ctx: Any, states_RD: Tensor, rows_R: Tensor, size: int, add_up: Callable[[Tensor], None]) -> Tensor:
        ctx.save_for_backward(rows_R)
        ctx.add_up = add_up
        whole_BD = states_RD.new_zeros(size, *states_RD.shape[1:])
        whole_BD[rows_R] = states_RD
        add_up(whole_BD)
        return whole_BD

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (rows_R,), (gradient_BD,) = ctx.saved_tensors, gradients
        total_BD = gradient_BD.contiguous().clone()
        ctx.add_up(total_BD)
        return total_BD[rows_R], None, None, None


def buckets(summands: Sequence[SizedT]) -> Iterator[list[SizedT]]:
    """Cuts summands into lists of one type and of limited size, in an order that is the same in every process."""
    for dtype in dict.fromkeys(each.dtype for each in summands):
        bucket: list[SizedT] = []
        size = 0
        for summand in summands:
            if summand.dtype != dtype:
                continue
            if bucket and size + summand.numel() > LARGEST_BUCKET:
                yield bucket
                bucket, size = [], 0
            bucket.append(summand)
            size += summand.numel()
        yield bucket


def draws(device: torch.device) -> dict[str, Tensor]:
    """Where PyTorch is in its random numbers, on the CPU and on a GPU."""
    gpu = {"gpu": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
    return {"cpu": torch.get_rng_state(), **gpu}


def set_draws(draws: dict[str, Tensor]) -> None:
    torch.set_rng_state(draws["cpu"])
    if "gpu" in draws and torch.cuda.is_available():
        torch.cuda.set_rng_state(draws["gpu"])
