"""Selects the implementation of an operation; see docs/decisions/0015-kernels.md."""

from collections.abc import Callable
from math import inf
from typing import TypeVar

import torch

from mtlkit.errors import ConfigError
from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.compiling.library import needs_building
from mtlkit.kernels.compute import AUTOMATIC, Compute
from mtlkit.kernels.lstm.compiled import SOURCE as LSTM
from mtlkit.kernels.lstm.compiled import CompiledLstm, compiled_lstm
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.compiled import SOURCE as RECURRENCE
from mtlkit.kernels.recurrence.compiled import CompiledRecurrence, compiled_recurrence
from mtlkit.kernels.recurrence.graphed import GraphedRecurrence
from mtlkit.kernels.recurrence.pure import PureRecurrence
from mtlkit.kernels.scans.recurrence import ScannedRecurrence
from mtlkit.types import Say, silent

Library = TypeVar("Library", CompiledRecurrence, CompiledLstm)

_PURE, _GRAPHED, _SCANNED = PureRecurrence(), GraphedRecurrence(), ScannedRecurrence()


def recurrence_for(device: torch.device, compute: Compute = AUTOMATIC, saves: float = inf) -> Recurrence | None:
    """Returns the implementation of the recurrence for communicators that have a fused form.

    Args:
        device: where it runs.
        compute: how it is to run.
        saves: the seconds that compiled kernels are estimated to save now, for `compute.postponed`.

    Returns:
        The implementation for this device, or None if the recurrence is to run step by step under autograd.

    Raises:
        ConfigError: the requested kernels are not available on this device.
    """
    if compute.traceable:
        return _SCANNED
    if compute.kernels == "plain":
        return None
    if (built := _compiled(compiled_recurrence, RECURRENCE, device, compute, saves)) is not None:
        return built
    if compute.kernels in ("graphs", "triton") and device.type != "cuda":
        name = {"graphs": "graphs", "triton": "Triton kernels"}[compute.kernels]
        raise ConfigError(f"trainer.kernels: there are {name} on CUDA devices only; use 'auto'")
    if compute.kernels == "triton":
        return _persistent()
    return _GRAPHED if uses_graphs(device, compute) else _PURE


def lstm_for(device: torch.device, compute: Compute = AUTOMATIC, saves: float = inf) -> CompiledLstm | None:
    """Returns the implementation of bidirectional LSTMs for a device, or None for torch's own.

    Args:
        device: where they run.
        compute: how they are to run.
        saves: the seconds that compiled kernels are estimated to save now, for `compute.postponed`.

    Raises:
        ConfigError: compiled kernels were requested and are not available on this device.
    """
    return _compiled(compiled_lstm, LSTM, device, compute, saves)


def uses_graphs(device: torch.device, compute: Compute) -> bool:
    """Returns whether loops over time run as CUDA graphs on a device.

    Unlike `recurrence_for`, it never raises, so it also serves operations that have no compiled form.
    """
    return device.type == "cuda" and compute.kernels in ("auto", "graphs", "triton")


def _persistent() -> Recurrence:
    """Raises ConfigError if Triton is not installed."""
    try:
        from mtlkit.kernels.recurrence.persistent.launching import PersistentRecurrence
    except ImportError as error:
        if error.name != "triton":
            raise
        raise ConfigError("trainer.kernels: 'triton' needs the package triton; install it, or use 'auto'") from None
    return PersistentRecurrence()


def _compiled(
    library: Callable[[int | None, Say], Library | BuildError],
    source: str,
    device: torch.device,
    compute: Compute,
    saves: float,
) -> Library | None:
    """Returns a library if it was requested and is available, and None if another implementation is to be used.

    Raises:
        ConfigError: compiled kernels were explicitly requested and are not available.
    """
    if compute.kernels not in ("auto", "compiled") or (compute.kernels == "auto" and device.type != "cpu"):
        return None
    postponed = compute.postponed if compute.kernels == "auto" else None
    if postponed is not None and needs_building(source) and not postponed.pays(source, saves):
        return None
    say = silent if postponed is None else postponed.say
    built = library(compute.threads, say) if device.type == "cpu" else BuildError("they run on a CPU only")
    if not isinstance(built, BuildError):
        return built
    if compute.kernels == "compiled":
        raise ConfigError(f"trainer.kernels: there are no compiled kernels, since {built}; use 'auto' or 'pure'")
    return None


def kernels_in_use(device: torch.device, compute: Compute = AUTOMATIC) -> str:
    """Returns the name of the implementation that would run a recurrence with a fused form, without running anything.

    Raises:
        ConfigError: the requested kernels are not available on this device.
    """
    recurrence = recurrence_for(device, compute)
    return "plain" if recurrence is None else recurrence.name


def lstms_in_use(device: torch.device, compute: Compute = AUTOMATIC) -> str:
    """Returns the name of the implementation that would run bidirectional LSTMs. On a CPU torch's own is called 'pure',
    unless `plain` was requested.

    Raises:
        ConfigError: the requested kernels are not available on this device.
    """
    if lstm_for(device, compute) is not None:
        return "compiled"
    return "pure" if compute.kernels == "auto" and device.type == "cpu" else kernels_in_use(device, compute)


def why_not_compiled(
    device: torch.device, compute: Compute = AUTOMATIC, *, lstms: bool = False, say: Say = silent
) -> str | None:
    """Returns a sentence for users who requested no kernels and run without compiled ones on a CPU, or None if there
    are compiled ones. They are built now if they are not in the cache, of which `say` receives a line.
    """
    if compute.kernels != "auto" or device.type != "cpu":
        return None
    built = (compiled_lstm if lstms else compiled_recurrence)(compute.threads, say)
    return f"no compiled kernels, since {built}: training is slower" if isinstance(built, BuildError) else None
