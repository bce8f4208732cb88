"""Sets of weights in files: those of a whole model, or of what serves some of its tasks."""

import errno
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtlkit.errors import ConfigError
from mtlkit.files import new_path
from mtlkit.model import MultiTaskModel


def save_weights(path: Path, model: MultiTaskModel, tasks: Collection[str]) -> None:
    """Writes the weights that serve these tasks, whole or not at all."""
    save_tensors(path, model.weights_of(tasks))


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes tensors by name as a safetensors file, whole or not at all. Raises OSError where that cannot be.

    They may share memory: cuDNN keeps all matrices of an LSTM in one piece, and a plugin may use a module twice. Each
    is written for itself.
    """
    copies = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    with new_path(path) as temporary:
        try:
            save_file(copies, temporary)
        except SafetensorError as error:
            found = re.search(r"\(os error (\d+)\)", str(error))
            code = int(found[1]) if found else errno.EIO
            raise OSError(code, os.strerror(code), str(path)) from None


def load_weights(path: Path, model: MultiTaskModel, tasks: Collection[str]) -> None:
    """Loads the weights that serve some tasks into the model, and leaves its other weights alone.

    Raises:
        RuntimeError: the file holds other names or shapes.
        OSError, SafetensorError: it cannot be read.
    """
    device = next(model.parameters()).device
    model.load_weights_of(tasks, load_file(path, device=str(device)))


def taken_over(
    model: MultiTaskModel, weights: Mapping[str, Tensor], keep: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """The weights of another model that this model can take over: those of the same name and shape.

    Args:
        model: the model that takes them over.
        weights: the other model's, by name.
        keep: regular expressions; only weights in whose names one is found are taken. None takes all.

    Raises:
        ConfigError: a pattern is found in no name that both have, or in one of another shape.
    """
    own = model.state_dict()
    both = [name for name in own if name in weights]
    if keep is None:
        return {name: weights[name] for name in both if own[name].shape == weights[name].shape}
    kept: dict[str, Tensor] = {}
    for number, pattern in enumerate(keep):
        found = [name for name in both if re.search(pattern, name)]
        if not found:
            raise ConfigError(f"{number}: no parameter that both models have is named like '{pattern}'")
        for name in found:
            if own[name].shape != weights[name].shape:
                shapes = f"{tuple(weights[name].shape)} before and {tuple(own[name].shape)} after"
                raise ConfigError(f"{number}: {name} has another shape: {shapes}; keep others, or the same tasks")
            kept[name] = weights[name]
    return kept
