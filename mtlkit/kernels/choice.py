"""Which implementation of a recurrence runs; see docs/decisions/0015-kernels.md."""

from collections.abc import Callable
from typing import Literal, TypeVar

import torch

from mtlkit.errors import ConfigError
from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.lstm.compiled import CompiledLstm, compiled_lstm
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.compiled import CompiledRecurrence, compiled_recurrence
from mtlkit.kernels.recurrence.graphed import GraphedRecurrence
from mtlkit.kernels.recurrence.pure import PureRecurrence

Kernels = Literal["auto", "plain", "pure", "compiled", "graphs"]

Library = TypeVar("Library", CompiledRecurrence, CompiledLstm)

_PURE, _GRAPHED = PureRecurrence(), GraphedRecurrence()
_chosen: Kernels = "auto"


def set_kernels(kernels: Kernels) -> None:
    """Decides for the whole process, as `torch.set_num_threads` does; without it the choice is `auto`."""
    global _chosen
    _chosen = kernels


def chosen_kernels() -> Kernels:
    """What was decided last."""
    return _chosen


def prefer_kernels(kernels: Kernels) -> None:
    """The same for what must run everywhere, such as an archive: nothing is insisted on."""
    set_kernels("auto" if kernels in ("compiled", "graphs") else kernels)


def recurrence_for(device: torch.device) -> Recurrence | None:
    """What runs the recurrence of built-in communicators there; None: it is run step by step, under autograd.

    Raises:
        ConfigError: what was chosen does not run there.
    """
    if _chosen == "plain":
        return None
    if (built := _compiled(compiled_recurrence, device)) is not None:
        return built
    if _chosen == "graphs" and device.type != "cuda":
        raise ConfigError("trainer.kernels: there are graphs on CUDA devices only; use 'auto'")
    if device.type == "cuda" and _chosen in ("auto", "graphs"):
        return _GRAPHED
    return _PURE


def lstm_for(device: torch.device) -> CompiledLstm | None:
    """What runs LSTMs that read both ways there; None: torch's own. Raises ConfigError as `recurrence_for` does."""
    return _compiled(compiled_lstm, device)


def _compiled(library: Callable[[], Library | BuildError], device: torch.device) -> Library | None:
    """A library where it was chosen and runs; None where something else does.

    Raises:
        ConfigError: it was insisted on and does not run.
    """
    if _chosen not in ("auto", "compiled") or (_chosen == "auto" and device.type != "cpu"):
        return None
    built = library() if device.type == "cpu" else BuildError("they run on a CPU only")
    if not isinstance(built, BuildError):
        return built
    if _chosen == "compiled":
        raise ConfigError(f"trainer.kernels: there are no compiled kernels, since {built}; use 'auto' or 'pure'")
    return None


def kernels_in_use(device: torch.device) -> str:
    """The name of what runs, for records. Raises ConfigError as `recurrence_for` does."""
    recurrence = recurrence_for(device)
    return "plain" if recurrence is None else recurrence.name


def lstms_in_use(device: torch.device) -> str:
    """The same for LSTMs that read both ways; on a CPU torch's own are 'pure', unless 'plain' was chosen."""
    if lstm_for(device) is not None:
        return "compiled"
    return "pure" if _chosen == "auto" and device.type == "cpu" else kernels_in_use(device)


def why_not_compiled(device: torch.device, *, lstms: bool = False) -> str | None:
    """A sentence for whoever chose nothing and does without compiled kernels on a CPU; None if all is well."""
    if _chosen != "auto" or device.type != "cpu":
        return None
    built = compiled_lstm() if lstms else compiled_recurrence()
    return f"no compiled kernels, since {built}: training is slower" if isinstance(built, BuildError) else None
