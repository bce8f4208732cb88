"""Devices: by name, and when the memory of one runs out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from mtlkit.errors import ConfigError, OutOfMemoryError

SIGNS = (
    *("DefaultCPUAllocator: can't allocate memory", "std::bad_alloc"),
    *("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"),
)
"""Texts of errors that have no class of their own: of the machine's memory, and of what NVIDIA's libraries allocate."""


def as_device(device: torch.device | str, setting: str = "device") -> torch.device:
    """The device, given by its name or as a device of PyTorch. Raises ConfigError as `device_of`."""
    if not isinstance(device, str | torch.device):
        raise ConfigError(f"{setting} {device!r}: is no device; use auto, cpu, cuda or cuda:N")
    return device_of(str(device), setting)


def device_of(name: str, setting: str = "device") -> torch.device:
    """The device to work on; `auto` is the first GPU, or the processor.

    Args:
        name: auto, cpu, cuda or cuda:N.
        setting: what the name was given to, for messages.

    Raises:
        ConfigError: there is no such device here, or mtlkit does not run on it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"{setting} {name}: no such device; use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"{setting} {name}: mtlkit runs on cpu and cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"{setting} {name}: PyTorch sees no CUDA device here; take cpu")
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        raise ConfigError(
            f"{setting} {name}: there are {torch.cuda.device_count()} CUDA devices, numbered from 0; take one of them"
        )
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # graphs are captured on the current device
    return device


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, of a GPU or of the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)


@contextmanager
def reporting_out_of_memory(what: Callable[[], str], remedy: str) -> Iterator[None]:
    """Turns an error of PyTorch's or Python's about memory, raised inside the block, into a sentence.

    Args:
        what: returns what needed the memory, such as `building the model`; called only when it has run out.
        remedy: what to do about it, as the end of the sentence.

    Raises:
        OutOfMemoryError: memory ran out, on the GPU or the machine.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(f"out of memory {what()}; {remedy}") from None
