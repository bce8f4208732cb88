"""Loops over time as CUDA graphs: a whole loop is launched at once, instead of kernel by kernel.

A graph is specific to the shapes that it was captured with. Lengths are therefore rounded up to buckets, and the least
recently used graphs are discarded.

A graph is also specific to memory addresses: it reads its arguments from its own buffers and writes its results to
others. All graphs share one pool of memory for intermediate values, where they overwrite each other's. They therefore
run one at a time, across threads of the host and streams of the device.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

MOST = 64
"""The number of graphs that one function keeps."""


def bucket(steps: int) -> int:
    """Returns the next length that has graphs: every length up to 16, then eight per power of two, which adds at most
    12 % of steps.
    """
    width = 1 << max(0, (steps - 1).bit_length() - 4)
    return -(-steps // width) * width


class _Graph(NamedTuple):
    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor | None]
    outputs: Sequence[Tensor]


@final
class Captured:
    """A function of tensors that is captured for new shapes and replayed for known ones.

    The function must not synchronise with the device. It may overwrite its arguments, which are copies. Results are
    copied as well, so that calls with equal shapes are independent, even from several threads.
    """

    def __init__(self, function: Callable[..., Sequence[Tensor]]) -> None:
        self._function = function
        self._graphs: OrderedDict[object, _Graph] = OrderedDict()

    def __call__(self, *tensors: Tensor | None) -> tuple[Tensor, ...]:
        """Returns the function's results."""
        device = next(tensor.device for tensor in tensors if tensor is not None)
        # From the first copy in to the last copy out: another thread must not fill the buffers in between. Only the
        # host is held up, for as long as it takes to queue the work.
        with _turn:
            _follow_last_stream(device)
            return self._run(tensors)

    def _run(self, tensors: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
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


_turn = threading.Lock()
_last_streams: dict[torch.device, torch.cuda.Stream] = {}


def _follow_last_stream(device: torch.device) -> None:
    """Makes the current stream wait for the stream that ran the last graph, if they differ.

    Work in one stream runs in the order in which it was queued, but there is no order between two streams.
    """
    stream = torch.cuda.current_stream(device)
    last = _last_streams.setdefault(device, stream)
    if last != stream:
        stream.wait_stream(last)
        _last_streams[device] = stream


_pools: list[tuple[Any, torch.cuda.CUDAGraph]] = []


def _pool() -> Any:
    """Returns the memory pool that all graphs share. A trivial graph keeps it open, since PyTorch frees a pool together
    with the last graph in it.
    """
    if not _pools:
        pool, keeper = torch.cuda.graph_pool_handle(), torch.cuda.CUDAGraph()
        number = torch.zeros(1, device="cuda")
        with torch.cuda.graph(keeper, pool=pool, capture_error_mode="thread_local"):
            number.add_(1)
        _pools.append((pool, keeper))
    return _pools[0][0]
