"""Sets of weights in files: those of a whole model, or of what serves some of its tasks."""

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mtlkit.files import new_file
from mtlkit.models import MultiTaskModel


def save_weights(path: Path, model: MultiTaskModel, tasks: Collection[str]) -> None:
    """Writes the weights that serve these tasks, whole or not at all."""
    # Clones: a safetensors file cannot hold one tensor under two names, and a plugin may use a module twice.
    weights = {
        name: tensor.detach().clone(memory_format=torch.contiguous_format)
        for name, tensor in model.weights_of(tasks).items()
    }
    with new_file(path) as temporary:
        save_file(weights, temporary)


def load_weights(path: Path, model: MultiTaskModel, tasks: Collection[str]) -> None:
    """Puts the weights that serve these tasks into the model; the rest of it stays.

    Raises:
        RuntimeError: the file holds other names or shapes.
        OSError, SafetensorError: it cannot be read.
    """
    device = next(model.parameters()).device
    model.load_weights_of(tasks, load_file(path, device=str(device)))
