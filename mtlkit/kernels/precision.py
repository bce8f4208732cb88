"""Regions that autocast must not affect."""

from contextlib import AbstractContextManager, nullcontext

import torch


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Disables autocast within the block."""
    is_on = torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)
    # Not where it is off already: a program with such a block in it cannot be saved by `torch.export`.
    return torch.autocast(device.type, enabled=False) if is_on else nullcontext()
