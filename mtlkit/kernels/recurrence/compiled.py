"""LSTM' with additive attention in C++ (recurrence.cpp), for CPUs. Names follow attentive_recurrence.py."""

import ctypes
from typing import final

import torch
from torch import Tensor

from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.compiling.library import TYPES, CompiledLibrary, library_of
from mtlkit.kernels.recurrence.attentive_recurrence import Slopes, Steps, Weights
from mtlkit.types import Say, silent

SOURCE = "recurrence.cpp"
SIZES = ("steps", "batch", "dim", "attention", "sources", "message", "tiles")
DISTANCES = ("key_row", "key_step", "source_row", "source_step")
POINTERS = (
    *("projected", "keys", "source", "padding"),
    *("recurrent", "fusion", "cell", "score"),
    *("states", "cells", "activations", "weights", "messages", "fused", "gates", "outputs", "gradient"),
    *("slope_projected", "slope_fused", "slope_messages", "slope_keys", "slope_score"),
)


class _Arguments(ctypes.Structure):
    """The fields of `Arguments` in recurrence.cpp, in the same order."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in (*SIZES, *DISTANCES)),
        *((name, ctypes.c_void_p) for name in POINTERS),
    ]


@final
class CompiledRecurrence:
    """Runs on a CPU, in float32 and float64. With several threads, each one runs some rows of the batch.

    Args:
        library: the library compiled from recurrence.cpp.
        threads: the number of threads that share the rows of a batch; None for torch's number.
    """

    name = "compiled"

    def __init__(self, library: CompiledLibrary, threads: int | None = None) -> None:
        self._library = library
        self._threads = threads

    def padded(self, steps: int) -> int:
        return steps

    def prefers_exponentials(self, sources: Tensor) -> bool:
        return sources.dim() == 3  # where each key is read once, in one step, the tanh is as cheap

    def forward(
        self,
        projected_TBP: Tensor,
        keys: Tensor,
        sources: Tensor,
        padding_BN: Tensor | None,
        weights: Weights,
        reciprocal: bool,
    ) -> Steps:
        keys = keys.mul_(2).exp_() if reciprocal else keys
        steps = Steps.empty(projected_TBP, keys, sources, weights)
        self._call(
            "forward",
            reciprocal,
            steps,
            weights,
            source=sources,
            projected=projected_TBP.contiguous(),
            padding=padding_BN if padding_BN is None else padding_BN.contiguous(),
        )
        return steps

    def backward(
        self, gradient_TBD: Tensor, sources: Tensor, weights: Weights, steps: Steps, reciprocal: bool
    ) -> Slopes:
        tiles = self._library.tiles(gradient_TBD.shape[1], self._threads)
        slopes = Slopes(
            torch.empty_like(steps.activations_TBP),
            torch.empty_like(steps.fused_TBF),
            torch.empty_like(steps.messages_TBM),
            torch.zeros_like(steps.keys) if sources.dim() == 3 else torch.empty_like(steps.keys),
            weights.score_A.new_zeros(tiles, *weights.score_A.shape),  # a sum for each thread: none waits for another
        )
        self._call(
            "backward",
            reciprocal,
            steps,
            weights,
            source=sources,
            gradient=gradient_TBD.contiguous(),
            slope_projected=slopes.projected_TBP,
            slope_fused=slopes.fused_TBF,
            slope_messages=slopes.messages_TBM,
            slope_keys=slopes.keys,
            slope_score=slopes.score_A,
        )
        return slopes._replace(score_A=slopes.score_A.sum(dim=0).mul_(-2 if reciprocal else 1))

    def _call(self, name: str, reciprocal: bool, steps: Steps, weights: Weights, **more: Tensor | None) -> None:
        tensors = {
            "keys": steps.keys,
            "recurrent": weights.recurrent_PD,
            "fusion": weights.fusion_FM,
            "cell": weights.cell_DD,
            "score": weights.score_A,
            "states": steps.states_SBD,
            "cells": steps.cells_SBD,
            "activations": steps.activations_TBP,
            "weights": steps.weights_TBN,
            "messages": steps.messages_TBM,
            "fused": steps.fused_TBF,
            "gates": steps.gates_TBD,
            "outputs": steps.outputs_TBD,
            **more,
        }
        dtype, source = steps.keys.dtype, more["source"]
        assert source is not None and dtype in TYPES
        assert all(tensor is None or tensor.is_contiguous() for tensor in tensors.values())
        assert all(tensor is None or tensor.dtype in (dtype, torch.bool) for tensor in tensors.values())
        numbers = {
            **_sizes(steps, weights, source),
            "tiles": self._library.tiles(steps.states_SBD.shape[1], self._threads),
        }
        self._library.call(name, dtype, _Arguments, tensors, numbers, reciprocal)


def _sizes(steps: Steps, weights: Weights, sources: Tensor) -> dict[str, int]:
    """Returns sizes, and the strides between rows and steps of keys and sources."""
    (length, batch, num_sources), by_step = steps.weights_TBN.shape, sources.dim() == 4
    size, message = weights.score_A.shape[0], sources.shape[-1]
    return {
        "steps": length,
        "batch": batch,
        "dim": weights.cell_DD.shape[0],
        "attention": size,
        "sources": num_sources,
        "message": message,
        "key_row": num_sources * size * (length if by_step else 1),
        "key_step": num_sources * size if by_step else 0,
        "source_row": num_sources * message * (length if by_step else 1),
        "source_step": num_sources * message if by_step else 0,
    }


def compiled_recurrence(threads: int | None = None, say: Say = silent) -> CompiledRecurrence | BuildError:
    """Returns the kernel for this number of threads, or the error that explains why there is none. None stands for
    torch's number of threads; `say` receives a line if the library is to be compiled.
    """
    library = library_of(SOURCE, say)
    return library if isinstance(library, BuildError) else CompiledRecurrence(library, threads)
