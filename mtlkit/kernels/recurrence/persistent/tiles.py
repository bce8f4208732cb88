"""Functions that the Triton kernels of both directions are made of.

A kernel computes a group of rows of the batch by several programs together. A step consists of three phases, between
which the programs of a group wait for each other; nothing is launched for a step. In a phase each program takes some
columns of a product, or attends with some of the rows. A launch runs the phases from `first` to before `last`, so
launches of one phase each compute the same without any waiting.

What another program wrote is read past the cache of a processor (`.cg`), which may have older values.
"""

import triton
import triton.language as tl

PHASES = 3
"""The number of phases of a step, in either direction."""

VARIABLE = ["first", "last", "first_group", "num_steps", "batch", "num_sources"]
"""Arguments that differ between batches. Without this list Triton compiles a kernel again for some of their values."""


@triton.jit
def sigmoid(values):
    """Computes the logistic function. No exponential overflows."""
    power = tl.exp(-tl.abs(values))
    return tl.where(values >= 0.0, 1.0, power) / (1.0 + power)


@triton.jit
def hyperbolic_tangent(values):
    """Computes tanh. No exponential overflows."""
    power = tl.exp(-2.0 * tl.abs(values))
    size = (1.0 - power) / (1.0 + power)
    return tl.where(values >= 0.0, size, -size)


@triton.jit
def wait_for_others(arrived, target):
    """Waits until programs have arrived `target` times in total. What they wrote before is visible afterwards."""
    tl.debug_barrier()  # until all threads of this program have written
    tl.atomic_add(arrived, 1, sem="release")
    while tl.atomic_add(arrived, 0, sem="acquire") < target:
        pass
    tl.debug_barrier()


@triton.jit
def product(
    sums, left, rows, is_row, left_width, size, right, inner_stride, columns, column_stride, num_columns, INNER
):  # fmt: skip
    """Returns `sums` plus `columns` of a product over `size` values, which are the first ones of each row of `left`.

    `left` has contiguous rows of `left_width` values; `right` has strides.
    """
    for start in range(0, size, INNER):
        inner = start + tl.arange(0, INNER)
        factors = load_columns(left, rows, is_row, left_width, 0, inner, size)
        there = right + inner[:, None] * inner_stride + columns[None, :] * column_stride
        matrix = tl.load(there, mask=(inner < size)[:, None] & (columns < num_columns)[None, :], other=0.0)
        sums = tl.dot(factors, matrix, sums, input_precision="ieee", out_dtype=sums.dtype)
    return sums


@triton.jit
def load_columns(tensor, rows, is_row, width, offset, columns, num_columns):
    """Loads `columns` of the part of a matrix of contiguous rows that begins at column `offset`; zeros beyond it."""
    mask = is_row[:, None] & (columns < num_columns)[None, :]
    there = tensor + rows[:, None] * width + offset + columns[None, :]
    return tl.load(there, mask=mask, other=0.0, cache_modifier=".cg")


@triton.jit
def store_columns(tensor, rows, is_row, width, offset, columns, num_columns, values):
    """Stores `values` where `load_columns` with the same arguments loads them."""
    mask = is_row[:, None] & (columns < num_columns)[None, :]
    tl.store(tensor + rows[:, None] * width + offset + columns[None, :], values, mask=mask)


@triton.jit
def load_row(row, columns, num_columns):
    """Loads `columns` of one row; zeros beyond it."""
    return tl.load(row + columns, mask=columns < num_columns, other=0.0, cache_modifier=".cg")


@triton.jit
def activations_of_scorer(query, keys, numbers, is_read, columns, ATTENTION):
    """Returns tanh(q + k) of one row and some of its sources; arbitrary values at those that are not read."""
    mask = is_read[:, None] & (columns < ATTENTION)[None, :]
    there = keys + numbers[:, None] * ATTENTION + columns[None, :]
    return hyperbolic_tangent(query[None, :] + tl.load(there, mask=mask, other=0.0))


@triton.jit
def sources_of(row, time, num_steps, num_sources, SHARED):
    """Returns the number of sources before those that a row reads at a step."""
    place = row if SHARED else row * num_steps + time
    return tl.cast(place, tl.int64) * num_sources
