"""Gradients as processes add them up: a heading of bytes says what some process has, and only that is exchanged.

    heading = Heading(parameters, tables, signal=0)
    dist.all_reduce(heading.bytes, op=dist.ReduceOp.MAX)
    add_up(heading.summands(), dist.all_reduce)

Shapes: P parameters, V rows of a table, M of them that some process has read, I rows that this process has read (with
repeats), E numbers of a row.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, final

import torch
from torch import Tensor, nn

from mtlkit.process.exchanged import Sized, buckets

NO_GRADIENT, ROWS, DENSE = range(3)
"""What a process has of a parameter. The largest of all processes' values decides how it is exchanged."""


class Summand(Sized, Protocol):
    """Numbers that each process has and that are added up."""

    def taken(self) -> Tensor:
        """Returns the numbers of this process, flat; zeros where it has none."""
        ...

    def put(self, total: Tensor) -> None:
        """Takes over their sum, of the same shape."""
        ...


@final
class Heading:
    """What of the parameters' gradients this process has, and, once it is exchanged, what some process has.

    Args:
        parameters: P of them, the same in every process.
        tables: those of them whose gradients may be sparse, with a row for each use of a row, as `nn.Embedding` makes
            them with `sparse`. A gradient that is dense in some process, such as that of a weight that is also read by
            a linear map, is exchanged as a whole.
        signal: a number from 0 to 255, of which the largest counts.

    Attributes:
        bytes: to be replaced by the largest of all processes, byte by byte: the signal, one for each parameter, and
            one for each row of each table.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], tables: Sequence[nn.Parameter], signal: int) -> None:
        self._parameters = parameters
        self._tables = tables
        by_rows = {id(table) for table in tables}
        kinds = [_kind(each.grad, id(each) in by_rows) for each in parameters]
        read = [_read(table) for table in tables]
        self.bytes = torch.cat([torch.tensor([signal, *kinds], dtype=torch.uint8), *read])

    @property
    def signal(self) -> int:
        """The signal."""
        return int(self.bytes[0])

    def summands(self) -> list[Summand]:
        """The gradients of the parameters that have one in some process, in the parameters' order."""
        count = len(self._parameters)
        kinds: list[int] = self.bytes[1 : 1 + count].tolist()
        masks = torch.split(self.bytes[1 + count :], [len(table) for table in self._tables])
        mask_of = {id(table): mask for table, mask in zip(self._tables, masks, strict=True)}
        return [
            ReadRows(parameter, mask_of[id(parameter)]) if kind == ROWS else WholeGradient(parameter)
            for parameter, kind in zip(self._parameters, kinds, strict=True)
            if kind != NO_GRADIENT
        ]


@final
class WholeGradient:
    """The gradient of a parameter with all of its numbers; the plain way, by which `ReadRows` is tested."""

    def __init__(self, parameter: nn.Parameter) -> None:
        self._parameter = parameter
        self.dtype = parameter.dtype

    def numel(self) -> int:
        return self._parameter.numel()

    def taken(self) -> Tensor:
        gradient = self._parameter.grad
        if gradient is None:
            return torch.zeros_like(self._parameter).flatten()
        return (gradient.to_dense() if gradient.is_sparse else gradient).flatten()

    def put(self, total: Tensor) -> None:
        self._parameter.grad = total.view_as(self._parameter)


@final
class ReadRows:
    """The rows of a table's gradient that some process has read; dense afterwards, with zeros in all other rows.

    Uses of a row are added up in the same order as in the dense gradient of one backward pass, to the same bits.

    Args:
        parameter: a table (V, E), without a gradient or with a sparse one.
        mask_V: which rows some process has read, on the CPU.
    """

    def __init__(self, parameter: nn.Parameter, mask_V: Tensor) -> None:
        self._parameter = parameter
        self._rows_M = mask_V.nonzero().squeeze(1).to(parameter.device)
        self.dtype = parameter.dtype

    def numel(self) -> int:
        return len(self._rows_M) * self._parameter.shape[1]

    def taken(self) -> Tensor:
        gradient = self._parameter.grad
        if gradient is None or not len(self._rows_M):
            return self._parameter.new_zeros(self.numel())
        places_I = torch.searchsorted(self._rows_M, gradient._indices().squeeze(0))
        sums_ME: Tensor = torch.ops.aten.embedding_dense_backward(
            gradient._values(), places_I, len(self._rows_M), -1, False
        )
        return sums_ME.flatten()

    def put(self, total: Tensor) -> None:
        whole_VE = torch.zeros_like(self._parameter)
        self._parameter.grad = whole_VE.index_copy_(0, self._rows_M, total.view(-1, whole_VE.shape[1]))


@final
class Numbers:
    """Numbers that go with the gradients, of any type and shape.

    Args:
        own: this process's.
        totals: becomes their sum; it may be the same tensor.
    """

    def __init__(self, own: Tensor, totals: Tensor) -> None:
        self._own = own
        self._totals = totals
        self.dtype = torch.promote_types(own.dtype, torch.float32)  # bfloat16 would need an exchange of its own

    def numel(self) -> int:
        return self._own.numel()

    def taken(self) -> Tensor:
        return self._own.flatten().to(self.dtype)

    def put(self, total: Tensor) -> None:
        self._totals.copy_(total.view_as(self._totals))


def add_up(summands: Sequence[Summand], all_reduce: Callable[[Tensor], None]) -> None:
    """Replaces the numbers of each by their sums over all processes.

    Args:
        summands: as many of the same sizes in every process.
        all_reduce: adds up a tensor over all processes, in place.
    """
    for bucket in buckets(summands):
        flat = torch.cat([each.taken() for each in bucket])
        all_reduce(flat)
        for each, total in zip(bucket, torch.split(flat, [each.numel() for each in bucket]), strict=True):
            each.put(total)


def _kind(gradient: Tensor | None, is_of_table: bool) -> int:
    if gradient is None:
        return NO_GRADIENT
    return ROWS if is_of_table and gradient.is_sparse else DENSE


def _read(table: nn.Parameter) -> Tensor:
    """(V,) which rows of a table have a sparse gradient here."""
    mask_V = torch.zeros(len(table), dtype=torch.uint8)
    if table.grad is not None and table.grad.is_sparse:
        mask_V[table.grad._indices().squeeze(0).cpu()] = 1
    return mask_V
