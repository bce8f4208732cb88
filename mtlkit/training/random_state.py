"""The state of every random generator that training can draw from, as plain tensors and numbers (no pickle needed)."""

import random
from typing import Any, cast

import numpy
import torch


def capture() -> dict[str, Any]:
    """Returns the state of PyTorch's generators (CPU and every CUDA device), Python's and NumPy's."""
    # Python and NumPy draw normal numbers in pairs and keep the second one for the next call (`gauss`, `cached`).
    # Without it, a resumed run would be one draw ahead.
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = cast(tuple[Any, ...], numpy.random.get_state(legacy=True))
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": [version, list(internal), gauss],
        # A tensor, as checkpoints are read with `weights_only=True`, which refuses arrays; int64 holds every uint32.
        "numpy": [name, torch.from_numpy(keys.astype(numpy.int64)), position, has_gauss, cached],
    }


def restore(state: dict[str, Any]) -> None:
    """Restores every generator to a state that `capture` returned."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    numpy.random.set_state((name, keys.numpy().astype(numpy.uint32), position, has_gauss, cached))


def seed_all(seed: int) -> None:
    """Seeds PyTorch's, Python's and NumPy's generators; NumPy's takes the lowest 32 bits of the seed."""
    torch.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
