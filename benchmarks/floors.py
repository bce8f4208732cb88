"""What this core can do, measured in the run that it is held against, and the floors that follow from it.

A floor is the time that a task takes at least: its multiplications at the best rate of products with inner dimensions
of that size, and its numbers, such as those of which a hyperbolic tangent is taken, at the rate of a copy of as many.
What could in principle be avoided, such as padding, repetition and calls of operators, is left out.
"""

import resource
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from measuring import Row, interleaved
from torch.utils.flop_counter import FlopCounterMode

ROUNDS = 5
"""Timings of each rate; the median counts."""


def product_rate(rows: int = 1000, inner: int = 1000, columns: int = 1000, dtype: torch.dtype = torch.float32) -> float:
    """FLOP per CPU second of products of matrices (rows, inner) and (inner, columns); the most there is, by default."""
    one, other = torch.ones(rows, inner, dtype=dtype), torch.ones(inner, columns, dtype=dtype)
    found = torch.empty(rows, columns, dtype=dtype)
    return 2 * rows * inner * columns / _seconds(partial(torch.mm, one, other, out=found))


def copy_rate(num_bytes: int = 2**17) -> float:
    """Bytes read plus bytes written per CPU second by a copy of so many bytes, which is fastest within a cache."""
    one, other = (torch.ones(max(num_bytes // 4, 1)) for _ in range(2))
    return 2 * one.nbytes / _seconds(partial(other.copy_, one))


def counted_flops(function: Callable[[], object]) -> int:
    """FLOP of all products that PyTorch computes in a call, its backward passes included."""
    with FlopCounterMode(display=False) as counter:
        function()
    return int(counter.get_total_flops())


def lstm_flops(lengths: Sequence[int], input_dim: int, hidden_dim: int) -> int:
    """FLOP of the products of an LSTM over texts of these lengths, forward and backward, which takes twice as many."""
    return 3 * 2 * sum(lengths) * 4 * hidden_dim * (input_dim + hidden_dim)


def over_floor(row: Row, seconds: float, floor: float) -> Row:
    """The row with its floor: how many times as long as the floor it takes, and what that is."""
    return replace(row, floor=f"{seconds / floor:.3g}x {shown(floor)}")


def shown(seconds: float) -> str:
    """Seconds with a unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def system_seconds_of(function: Callable[[], object]) -> float:
    """CPU seconds that the kernel works for a function, such as one that writes files: the mean of some calls."""
    function()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_stime
    for _ in range(ROUNDS):
        function()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_stime - before) / ROUNDS


def _seconds(function: Callable[[], object]) -> float:
    return interleaved({"it": function}, ROUNDS, shortest=0.02).median("it")
