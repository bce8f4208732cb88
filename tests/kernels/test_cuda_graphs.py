"""Graphs take turns: their buffers are one per shape, whoever calls. No GPU is needed to see that."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.kernels.recurrence import cuda_graphs
from mtlkit.kernels.recurrence.cuda_graphs import Captured


class SlowGraph:
    """Computes from its buffers, after other threads have had every chance to overwrite them."""

    def __init__(self, function: Callable[..., Sequence[Tensor]], inputs: Sequence[Tensor]) -> None:
        self._run = lambda: function(*inputs)
        self.outputs = [tensor.clone() for tensor in self._run()]

    def replay(self) -> None:
        time.sleep(0.002)
        for output, tensor in zip(self.outputs, self._run(), strict=True):
            output.copy_(tensor)
        time.sleep(0.002)


class Stream:
    """A stream that writes down for which others it waited."""

    def __init__(self) -> None:
        self.waited_for: list[object] = []

    def wait_stream(self, other: object) -> None:
        self.waited_for.append(other)


def capture(function: Callable[..., Sequence[Tensor]], tensors: Sequence[Tensor]) -> Any:
    inputs = [tensor.clone() for tensor in tensors]
    graph = SlowGraph(function, inputs)
    return cuda_graphs._Graph(graph, inputs, graph.outputs)  # type: ignore[arg-type]


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Stream]:
    """The current stream is the last of these."""
    found = [Stream()]
    monkeypatch.setattr(cuda_graphs, "_capture", capture)
    monkeypatch.setattr(cuda_graphs, "_last_streams", {})
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: found[-1])
    return found


@pytest.mark.usefixtures("streams")
def test_threads_do_not_overwrite_each_others_arguments() -> None:
    double = Captured(lambda numbers: (2 * numbers,))

    def run(number: int) -> list[float]:
        return [double(torch.full((3,), float(number)))[0].mean().item() for _ in range(5)]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(run, range(8))) == [[2.0 * number] * 5 for number in range(8)]


def test_a_stream_waits_for_the_one_before_it(streams: list[Stream]) -> None:
    double, triple = Captured(lambda numbers: (2 * numbers,)), Captured(lambda numbers: (3 * numbers,))
    first, second, numbers = streams[0], Stream(), torch.ones(2)
    double(numbers)
    double(numbers)
    assert first.waited_for == []
    streams.append(second)
    triple(numbers)  # another function's graphs compute in the same memory
    triple(numbers)
    assert second.waited_for == [first]
    streams.append(first)
    double(numbers)
    assert first.waited_for == [second]
