"""What processes of a run exchange: rows of a batch, what goes into buckets, states of random numbers, questions.

Shapes: B texts of a batch, R of them in one process's share, D size of a state.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor

from mtlkit.process.ranks import Value

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


class Traded(torch.autograd.Function):
    """Rows that processes have sent each other. In the backward pass their gradients go back the way they came."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, sent: list[int], received: list[int], trade: Callable[[Tensor, Any, Any], Tensor]
    ) -> Tensor:
        ctx.sent, ctx.received, ctx.trade = sent, received, trade
        return trade(rows, sent, received)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return ctx.trade(gradients[0], ctx.received, ctx.sent), None, None, None


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


def ask(question: Callable[[], Value], seconds: float) -> Value:
    """Asks what connects the processes, which does not answer while the process that holds it is stopped.

    Raises:
        RuntimeError: it has not answered within so many seconds, or has ended.
    """
    answers: SimpleQueue[tuple[Any, RuntimeError | None]] = SimpleQueue()

    def work() -> None:
        try:
            answers.put((question(), None))
        except RuntimeError as error:
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        value, error = answers.get(timeout=seconds)
    except Empty:
        raise RuntimeError("what connects the processes does not answer") from None
    if error is not None:
        raise error
    return cast(Value, value)
