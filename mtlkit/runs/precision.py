"""Answers in another precision than that of training, `--precision` of `predict` and `evaluate`, and what is slow."""

from pathlib import Path
from typing import Any, get_args

import torch

from mtlkit.archive import Archive
from mtlkit.errors import ConfigError
from mtlkit.training.precision import Precision
from mtlkit.types import Say

NATIVE = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""The names that Linux has for instructions that multiply bfloat16, on x86-64 and ARM."""
SLOW = (
    "precision bf16: this processor has no instructions for bfloat16, without which matrix products take longer "
    "than in fp32, up to 13 times; use fp32"
)
CPU_FACTS = Path("/proc/cpuinfo")


def precision_argument(value: Any) -> Precision | None:
    """Returns a precision, or None for that of training.

    Raises:
        ConfigError: there is no such precision.
    """
    known = get_args(Precision)
    if value is not None and value not in known:
        raise ConfigError(f"precision: should be {' or '.join(known)} (got {value!r})")
    found: Precision | None = value
    return found


def compute_in(precision: Precision | None, archive: Archive, say: Say) -> str | None:
    """Has the models of an archive compute in a precision, and returns a sentence about it for readers of the answers,
    or None if it is that of training.

    Args:
        precision: the precision; None for that of training.
        archive: the trained model.
        say: receives a line if the processor has no instructions for the precision.
    """
    trained = archive.experiment.trainer.precision
    archive.precision = precision or trained
    say_if_slow(archive.precision, archive.device, say)
    if archive.precision == trained:
        return None
    return f"answered in {archive.precision}, while the run was trained in {trained}: figures may differ from its own"


def say_if_slow(precision: Precision, device: torch.device, say: Say) -> None:
    """Says so where a precision takes longer than fp32, for want of instructions for it."""
    if precision == "bf16" and device.type == "cpu" and _is_known_to_lack_bfloat16():
        say(SLOW)


def _is_known_to_lack_bfloat16() -> bool:
    try:
        lines = CPU_FACTS.read_text().splitlines()
    except OSError:
        return False
    features = {
        name for line in lines if line.split("\t")[0].strip(" :") in ("flags", "Features") for name in line.split()
    }
    return bool(features) and features.isdisjoint(NATIVE)
