"""Checks whether an archive's tensors fit the model that it describes, before memory is allocated for either."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor

from mtlkit.archive.part_budget import limited_parts
from mtlkit.data import Vocabulary
from mtlkit.experiment import Experiment, build_model, without_memory
from mtlkit.model import MultiTaskModel
from mtlkit.process.processor_time import TimeLimit

MAX_HEADER = 16 * 2**20
SHOWN = 3
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


class Form(NamedTuple):
    """The type and the shape of a tensor."""

    dtype: str | None
    """The name of the type in safetensors files. None for rare types in plugins, which are not checked."""
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"

    def suits(self, wanted: "Form") -> bool:
        """Returns whether a tensor of this form can be used where another form is required."""
        return self.shape == wanted.shape and wanted.dtype in (None, self.dtype)


def forms_in(file: Path) -> dict[str, Form]:
    """Reads the forms of the tensors in a safetensors file from its header.

    Raises:
        ValueError: the header is too large.
        OSError, SafetensorError: the file is missing, or its header and size are inconsistent.
    """
    # safetensors reads the header as a whole, so its size is checked first.
    with file.open("rb") as start:
        size = int.from_bytes(start.read(8), "little")
    if size > MAX_HEADER:
        raise ValueError(f"its header claims {size} bytes, and may have {MAX_HEADER}")
    with safe_open(file, "numpy") as tensors:
        slices = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118  # it is not a mapping
    return {name: Form(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}


def forms_of(weights: Mapping[str, Tensor]) -> dict[str, Form]:
    """Returns the forms of a model's tensors."""
    return {name: Form(DTYPES.get(tensor.dtype), tuple(tensor.shape)) for name, tensor in weights.items()}


def misfit(found: Mapping[str, Form], wanted: Mapping[str, Form]) -> str | None:
    """Returns why tensors are not those of a model, or None if they are."""
    if missing := sorted(wanted.keys() - found.keys()):
        return f"{_some(missing)} missing"
    if extra := sorted(found.keys() - wanted.keys()):
        return f"{_some(extra)} unknown to the model"
    wrong = next((name for name, form in wanted.items() if not found[name].suits(form)), None)
    return None if wrong is None else f"size mismatch for {wrong}: {found[wrong]}, and the model has {wanted[wrong]}"


def outline(experiment: Experiment, vocabulary: Vocabulary, limit: TimeLimit | None = None) -> MultiTaskModel:
    """Builds the experiment's model on the meta device, where it takes no memory.

    Args:
        experiment: the experiment to build.
        vocabulary: the vocabulary, which determines the sizes of tables.
        limit: the time that is left.

    Raises:
        ValueError: the model has too many parts.
        ConfigError: parts of the experiment do not fit each other.
        OutOfTime: no time is left.
    """
    with without_memory(), limited_parts(experiment, limit):
        return build_model(experiment, vocabulary, fresh=False)


def _some(names: Collection[str]) -> str:
    first = list(names)[:SHOWN]
    more = f" and {len(names) - len(first)} more" if len(names) > len(first) else ""
    return f"{', '.join(first)}{more} {'is' if len(names) == 1 else 'are'}"
