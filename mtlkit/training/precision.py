"""The precision in which a model is computed."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from threading import Lock
from types import TracebackType
from typing import Literal, final

import torch
from torch import nn

Precision = Literal["fp32", "bf16"]


@contextmanager
def autocast(device: torch.device, precision: Precision) -> Iterator[None]:
    """Runs matrix products in bfloat16 where `precision` says so; parameters stay float32.

    For processors without AVX-512, oneDNN has no LSTM in bfloat16, and PyTorch fails instead of going without oneDNN.
    There oneDNN is switched off within the block, for the whole process.
    """
    rounds = precision == "bf16"
    without = rounds and device.type == "cpu" and not has_lstm_in_bfloat16()
    with (
        WITHOUT_ONEDNN if without else nullcontext(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=rounds),
    ):
        yield


@final
class WithoutOneDnn:
    """A block in which PyTorch does not use oneDNN, which is a setting of the whole process.

    Blocks of several threads may overlap. The last one to end switches oneDNN on again, if it was on before the first:
    with it, what another thread computes in its block would fail.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._num_blocks = 0
        self._was_on = True

    @property
    def is_in_use(self) -> bool:
        """Whether a thread is in such a block."""
        return self._num_blocks > 0

    def __enter__(self) -> None:
        with self._lock:
            if self._num_blocks == 0:
                self._was_on = bool(torch.backends.mkldnn.enabled)
                torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # a property of theirs
            self._num_blocks += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._num_blocks -= 1
            if self._num_blocks == 0:
                torch.backends.mkldnn.enabled = self._was_on  # type: ignore[assignment]


WITHOUT_ONEDNN = WithoutOneDnn()


@cache
def has_lstm_in_bfloat16() -> bool:
    """Whether an LSTM can be computed in bfloat16 on this processor by oneDNN, which is tried on the smallest one."""
    if WITHOUT_ONEDNN.is_in_use:  # by another thread, which has found out that there is none
        return False
    with torch.random.fork_rng(devices=()), torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        try:
            nn.LSTM(1, 1, device="cpu")(torch.zeros(1, 1, 1, device="cpu"))
        except RuntimeError:
            return False
    return True
