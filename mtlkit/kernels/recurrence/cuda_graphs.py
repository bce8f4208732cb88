"""Loops over time as CUDA graphs: the device is told once what a whole loop does, instead of at each of its steps.

A graph belongs to the shapes that it was captured with, so lengths are rounded up to a bucket, and the least recently
used graphs are let go.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

MOST = 64
"""Graphs that one function keeps."""


def bucket(steps: int) -> int:
    """The next length that has graphs: up to 16 each, from there on eight to each doubling, so at most 12 % more."""
    width = 1 << max(0, (steps - 1).bit_length() - 4)
    return -(-steps // width) * width


class _Graph(NamedTuple):
    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor | None]
    outputs: Sequence[Tensor]


@final
class Captured:
    """A function of tensors that is captured when shapes are new and replayed when they are not.

    The function must not wait for the device. It may overwrite its arguments, which are copies, and its results are
    copied out, so that calls with the same shapes do not disturb each other. All graphs of a process take turns in
    one pool of memory.
    """

    def __init__(self, function: Callable[..., Sequence[Tensor]]) -> None:
        self._function = function
        self._graphs: OrderedDict[object, _Graph] = OrderedDict()

    def __call__(self, *tensors: Tensor | None) -> tuple[Tensor, ...]:
        """The function's results."""
        key = tuple(tensor if tensor is None else (tensor.shape, tensor.dtype, tensor.device) for tensor in tensors)
        found = self._graphs.get(key)
        if found is None:
            with torch.inference_mode(False), torch.no_grad():  # evaluation and training share graphs
                found = self._graphs[key] = _capture(self._function, tensors)
            if len(self._graphs) > MOST:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        for kept, tensor in zip(found.inputs, tensors, strict=True):
            if kept is not None and tensor is not None:
                kept.copy_(tensor)
        found.graph.replay()
        return tuple(output.clone() for output in found.outputs)


def _capture(function: Callable[..., Sequence[Tensor]], tensors: Sequence[Tensor | None]) -> _Graph:
    inputs = [None if tensor is None else tensor.detach().contiguous().clone() for tensor in tensors]
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # untyped in torch
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # libraries set themselves up at their first call, which no graph may hold
        function(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=_pool(), capture_error_mode="thread_local"):
        outputs = function(*inputs)
    return _Graph(graph, inputs, tuple(outputs))


_pools: list[tuple[Any, torch.cuda.CUDAGraph]] = []


def _pool() -> Any:
    """The one pool. A graph that does next to nothing holds it: PyTorch closes a pool with the last graph in it."""
    if not _pools:
        pool, keeper = torch.cuda.graph_pool_handle(), torch.cuda.CUDAGraph()
        number = torch.zeros(1, device="cuda")
        with torch.cuda.graph(keeper, pool=pool, capture_error_mode="thread_local"):
            number.add_(1)
        _pools.append((pool, keeper))
    return _pools[0][0]
