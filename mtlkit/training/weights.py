"""Sets of weights in files: those of a whole model, or of what serves some of its tasks."""

import errno
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save, save_file
from torch import Tensor, nn

from mtlkit.errors import ConfigError
from mtlkit.files import new_file, new_path
from mtlkit.model import MultiTaskModel
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.training.shards import SharedRows, sharded, with_rows

LENGTH = 8
"""How many bytes of a safetensors file say how long its header is; and of how many its length is a multiple."""


def save_weights(path: Path, model: MultiTaskModel, tasks: Collection[str], ranks: Ranks = ONE) -> None:
    """Writes the weights that serve these tasks, whole or not at all. Of several processes the first one writes."""
    save_from_all(path, with_rows(model, model.weights_of(tasks)), ranks)


def save_from_all(path: Path, tensors: Mapping[str, Tensor | SharedRows], ranks: Ranks) -> None:
    """Writes tensors by name as `save_tensors` does, byte by byte, in the first of several processes.

    What the processes share out by rows is written in pieces, so that none has a whole one.

    Args:
        path: the file, of which only the first process needs to know.
        tensors: the same names in all processes, in the same order.
        ranks: the processes, which all come here.
    """
    whole = {name: each for name, each in tensors.items() if isinstance(each, Tensor)}
    if len(whole) == len(tensors):
        ranks.first(lambda: save_tensors(path, whole))
        return
    header, order = _header(tensors)
    if not ranks.is_first:
        for name in order:
            for _ in _pieces(tensors[name]):
                pass
        return
    with new_file(path) as file:
        file.write(header)
        for name in order:
            for piece in _pieces(tensors[name]):
                file.write(piece.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)


def _pieces(tensor: Tensor | SharedRows) -> Iterator[Tensor]:
    return iter([tensor]) if isinstance(tensor, Tensor) else tensor.pieces()


def _header(tensors: Mapping[str, Tensor | SharedRows]) -> tuple[bytes, list[str]]:
    """The beginning of a safetensors file, and the names in the order in which their numbers follow.

    The library decides on the order, and on the names of types: those that it gives tensors without numbers.
    """
    empty = save({name: torch.empty(0, dtype=each.dtype) for name, each in tensors.items()})
    size = int.from_bytes(empty[:LENGTH], "little")
    entries, end = json.loads(empty[LENGTH : LENGTH + size]), 0
    for name, entry in entries.items():
        begin, end = end, end + tensors[name].shape.numel() * tensors[name].dtype.itemsize
        entry.update(shape=list(tensors[name].shape), data_offsets=[begin, end])
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % LENGTH)
    return len(text).to_bytes(LENGTH, "little") + text, list(entries)


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
    model.load_weights_of(tasks, load_file(path, device=str(place_of_files(model))))


def place_of_files(model: nn.Module) -> torch.device:
    """Where files of weights are read to: the device of the model, but the CPU, where they are not read into memory as
    a whole, if processes share out what may not fit into one device."""
    return torch.device("cpu") if sharded(model) else next(model.parameters()).device


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
