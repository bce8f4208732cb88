"""Which implementation of the message-passing recurrence runs; see docs/decisions/0015-kernels.md."""

from typing import Literal

import torch

from mtlkit.kernels.attentive_recurrence import Recurrence
from mtlkit.kernels.pure_recurrence import PureRecurrence

Kernels = Literal["auto", "plain", "pure"]

_chosen: Kernels = "auto"


def set_kernels(kernels: Kernels) -> None:
    """Decides for the whole process, as `torch.set_num_threads` does; without it the choice is `auto`."""
    global _chosen
    _chosen = kernels


def recurrence_for(device: torch.device) -> Recurrence | None:
    """What runs the recurrence of built-in communicators there; None: it is run step by step, under autograd."""
    return None if _chosen == "plain" else PureRecurrence()
