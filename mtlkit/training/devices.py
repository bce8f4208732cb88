"""Devices by name."""

import torch

from mtlkit.errors import ConfigError


def as_device(device: torch.device | str, setting: str = "device") -> torch.device:
    """A device of PyTorch as it is, or the one of that name. Raises ConfigError as `device_of`."""
    return device_of(device, setting) if isinstance(device, str) else device


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
        raise ConfigError(f"{setting} {name}: there are {torch.cuda.device_count()} CUDA devices, numbered from 0")
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # graphs are captured on the current device
    return device
