"""Subnormal numbers as zero in training: float32 below 1.2e-38, float64 below 2.2e-308.

Gradients that go back over many words vanish through these numbers, and processors of Intel take some hundred cycles
for an operation with one of them. On one with AVX-512 a step of IC-MTL over 240 words took six times as long as with
zeros in their place, and one of a plain LSTM 15 times (benchmarks/subnormals.py). What is learned from them is nothing:
added to a weight, they are below its last bit.

The setting belongs to a thread. Those that begin inside a block have it too, and keep it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def flushes_subnormals() -> bool:
    """Whether this thread computes with zero in place of subnormal numbers. Torch can set that but not tell it."""
    return sys.float_info.min / 2 == 0


@contextmanager
def flushed_subnormals(flush: bool = True) -> Iterator[None]:
    """Takes subnormal numbers for zero in this thread inside the block, or keeps them, if not `flush`.

    Has no effect where the processor cannot do so.
    """
    before = flushes_subnormals()
    torch.set_flush_denormal(flush)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
