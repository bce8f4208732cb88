"""One direction of an LSTM in C++ (lstm.cpp), for CPUs.

Rows of a batch are sorted by length, longest first, and words are packed by step: the first words of all rows, then the
second words of all rows that have one, and so on. Padding is never computed, and the products of each step read and
write one block of memory. From right to left, a row's first word is its last valid one: this only changes where words
are read from and states are written to, so nothing is reversed.

Shapes: B batch, T time steps, E input size, H state size, G = 4H the gates in torch's order (input, forget, candidate,
output), R all valid words, packed.
"""

import ctypes
from collections.abc import Mapping
from typing import NamedTuple, final

import torch
from torch import Tensor

from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.compiling.library import TYPES, CompiledLibrary, library_of
from mtlkit.types import Say, silent

SOURCE = "lstm.cpp"
SIZES = ("batch", "steps", "input", "dim", "tiles", "state_row", "leftward")
POINTERS = (
    *("lengths", "order", "inputs", "weight", "recurrent", "bias", "states"),
    *("packed", "gates", "before", "cells", "squashed"),
    *("gradient", "slopes", "slope_inputs", "slope_weight", "slope_recurrent"),
)


class _Arguments(ctypes.Structure):
    """The fields of `Arguments` in lstm.cpp, in the same order."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in SIZES),
        *((name, ctypes.c_void_p) for name in POINTERS),
    ]


class Rows(NamedTuple):
    """The rows of a batch, sorted by length."""

    lengths_B: Tensor
    order_B: Tensor
    """The row of the batch at each position of the sorted order."""
    num_words: int

    @classmethod
    def of(cls, mask_BT: Tensor) -> "Rows":
        lengths_B, order_B = mask_BT.sum(dim=1).sort(descending=True, stable=True)
        return cls(lengths_B, order_B, int(lengths_B.sum()))


class Weights(NamedTuple):
    """The parameters of `nn.LSTM`, in its order."""

    input_GE: Tensor
    recurrent_GH: Tensor
    input_bias_G: Tensor
    recurrent_bias_G: Tensor


class Steps(NamedTuple):
    """Intermediate values of the forward pass that the backward pass needs."""

    packed_RE: Tensor
    gates_RG: Tensor
    """The gates (R, G) after their activation functions."""
    before_RH: Tensor
    """The state before each word, (R, H); `cells_RH` is the cell before each word."""
    cells_RH: Tensor
    squashed_RH: Tensor
    """The tanh of the cell after each word, (R, H)."""


class Wanted(NamedTuple):
    """Whether each parameter needs a gradient; the fields are those of `Weights`."""

    input_GE: bool
    recurrent_GH: bool
    input_bias_G: bool
    recurrent_bias_G: bool


@final
class CompiledLstm:
    """Runs one direction of an LSTM on a CPU. All tensors must be contiguous, except those of states, which may be
    slices of wider ones.

    Args:
        library: the library compiled from lstm.cpp.
        threads: the number of threads that share the rows of a batch; None for torch's number.
    """

    dtypes = frozenset(TYPES)

    def __init__(self, library: CompiledLibrary, threads: int | None = None) -> None:
        self._library = library
        self._threads = threads

    def forward(self, inputs_BTE: Tensor, rows: Rows, weights: Weights, states_BTH: Tensor, leftward: bool) -> Steps:
        """Computes the states into `states_BTH`, zero at padding, and returns what the backward pass needs."""
        (width, size), dim = weights.input_GE.shape, states_BTH.shape[2]
        steps = Steps(*(inputs_BTE.new_empty(rows.num_words, columns) for columns in (size, width, dim, dim, dim)))
        bias_G = weights.input_bias_G + weights.recurrent_bias_G
        more = {"inputs": inputs_BTE, "bias": bias_G, "states": states_BTH}
        self._call("forward", leftward, rows, weights, steps, states_BTH, more)
        return steps

    def backward(
        self,
        gradient_BTH: Tensor,
        rows: Rows,
        weights: Weights,
        steps: Steps,
        leftward: bool,
        slope_inputs_BTE: Tensor | None,
        wanted: Wanted,
    ) -> tuple[Tensor | None, ...]:
        """Returns the gradients of the weights that need one, and adds that of the inputs to `slope_inputs_BTE` if
        given.
        """
        slopes_RG = torch.empty_like(steps.gates_RG)
        slope_GE = torch.empty_like(weights.input_GE) if wanted.input_GE else None
        slope_GH = torch.empty_like(weights.recurrent_GH) if wanted.recurrent_GH else None
        more = {
            "gradient": gradient_BTH,
            "slopes": slopes_RG,
            "slope_inputs": slope_inputs_BTE,
            "slope_weight": slope_GE,
            "slope_recurrent": slope_GH,
        }
        self._call("backward", leftward, rows, weights, steps, gradient_BTH, more)
        # Both biases are added to the same gates, so they share one gradient.
        slope_G = slopes_RG.sum(dim=0) if wanted.input_bias_G or wanted.recurrent_bias_G else None
        return slope_GE, slope_GH, slope_G, slope_G

    def _call(
        self,
        name: str,
        leftward: bool,
        rows: Rows,
        weights: Weights,
        steps: Steps,
        states_BTH: Tensor,
        more: Mapping[str, Tensor | None],
    ) -> None:
        tensors = {
            "lengths": rows.lengths_B,
            "order": rows.order_B,
            "weight": weights.input_GE,
            "recurrent": weights.recurrent_GH,
            "packed": steps.packed_RE,
            "gates": steps.gates_RG,
            "before": steps.before_RH,
            "cells": steps.cells_RH,
            "squashed": steps.squashed_RH,
            **more,
        }
        (batch, length, dim), (row, word, _) = states_BTH.shape, states_BTH.stride()
        # The library locates a state by one stride: word `t` of row `b` is at `(b * T + t) * word`.
        assert row == length * word or batch < 2
        numbers = {
            "batch": batch,
            "steps": length,
            "input": weights.input_GE.shape[1],
            "dim": dim,
            "tiles": self._library.tiles(batch, self._threads),
            "state_row": word,
            "leftward": int(leftward),
        }
        self._library.call(name, states_BTH.dtype, _Arguments, tensors, numbers)


def compiled_lstm(threads: int | None = None, say: Say = silent) -> CompiledLstm | BuildError:
    """Returns the kernel for this number of threads, or the error that explains why there is none. None stands for
    torch's number of threads; `say` receives a line if the library is to be compiled.
    """
    library = library_of(SOURCE, say)
    return library if isinstance(library, BuildError) else CompiledLstm(library, threads)
