"""Whether an archive's tensors are those of the model that it describes; found out before memory is taken for any."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple, final

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.overrides import TorchFunctionMode

from mtlkit.data import Vocabulary
from mtlkit.experiment import Experiment, build_model
from mtlkit.model import MultiTaskModel

MAX_HEADER = 16 * 2**20
PARTS_PER_TENSOR, FREE_PARTS = 20, 10_000
"""A model may have so many modules, parameters and buffers for each tensor that is kept, and some more."""
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
    """Of a tensor."""

    dtype: str | None
    """As safetensors files call it; None of a plugin's tensor in a rare one, which is not checked."""
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"

    def suits(self, wanted: "Form") -> bool:
        """Whether a tensor of this form can be taken for one of the wanted form."""
        return self.shape == wanted.shape and wanted.dtype in (None, self.dtype)


def forms_in(file: Path) -> dict[str, Form]:
    """The forms of the tensors in a safetensors file, of which only the header is read.

    Raises:
        ValueError: the header is too large.
        OSError, SafetensorError: the file is missing, or its header and its size do not belong together.
    """
    with file.open("rb") as start:
        size = int.from_bytes(start.read(8), "little")
    if size > MAX_HEADER:
        raise ValueError(f"its header claims {size} bytes, and may have {MAX_HEADER}")
    with safe_open(file, "numpy") as tensors:
        slices = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118  # it is not a mapping
    return {name: Form(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}


def forms_of(weights: Mapping[str, Tensor]) -> dict[str, Form]:
    """The forms of a model's tensors."""
    return {name: Form(DTYPES.get(tensor.dtype), tuple(tensor.shape)) for name, tensor in weights.items()}


def misfit(found: Mapping[str, Form], wanted: Mapping[str, Form]) -> str | None:
    """What keeps tensors from being those of a model, if anything."""
    if missing := sorted(wanted.keys() - found.keys()):
        return f"{_some(missing)} missing"
    if extra := sorted(found.keys() - wanted.keys()):
        return f"{_some(extra)} unknown to the model"
    wrong = next((name for name, form in wanted.items() if not found[name].suits(form)), None)
    return None if wrong is None else f"size mismatch for {wrong}: {found[wrong]}, and the model has {wanted[wrong]}"


def outline(experiment: Experiment, vocabulary: Vocabulary, num_tensors: int) -> MultiTaskModel:
    """The experiment's model on the meta device, where it takes no memory.

    Args:
        experiment: says what to build.
        vocabulary: says how large tables are.
        num_tensors: that are kept for it; a model of many more parts is not built to its end.

    Raises:
        ValueError: it has too many parts.
        ConfigError: they do not fit each other.
    """
    with torch.device("meta"), _Unfilled(), _at_most(FREE_PARTS + PARTS_PER_TENSOR * num_tensors):
        return build_model(experiment, vocabulary, fresh=False)


@final
class _Unfilled(TorchFunctionMode):
    """Leaves out how parameters begin: drawing them on the meta device imports torch's compiler, for a second."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(function, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return function(*args, **kwargs)


@contextmanager
def _at_most(num_parts: int) -> Iterator[None]:
    """Ends the building of a model, such as of a billion layers, in this thread."""
    thread, count = get_ident(), 0

    def add(module: nn.Module, name: str, part: object) -> None:
        nonlocal count
        count += get_ident() == thread
        if count > num_parts:
            raise ValueError(f"the model has more than {num_parts} parts, far more than the tensors that are kept")

    hooks = [
        register(add)
        for register in (
            register_module_module_registration_hook,
            register_module_parameter_registration_hook,
            register_module_buffer_registration_hook,
        )
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _some(names: Collection[str]) -> str:
    first = list(names)[:SHOWN]
    more = f" and {len(names) - len(first)} more" if len(names) > len(first) else ""
    return f"{', '.join(first)}{more} {'is' if len(names) == 1 else 'are'}"
