"""How a run is trained, apart from the settings of its experiment: the options of `train`, checked."""

from dataclasses import dataclass
from typing import Any

import torch

from mtlkit.config import count_argument, flag_argument, resume_argument
from mtlkit.errors import ConfigError
from mtlkit.on_disk.runs import TWO_WISHES
from mtlkit.training.devices import as_device


@dataclass(frozen=True)
class TrainOptions:
    """How to train a run, apart from the settings of its experiment."""

    device: torch.device
    limit: int | None = None
    """The largest number of texts of each split, for trials; None for all."""
    resume: bool = False
    force: bool = False
    """Whether a run that is already in the directory may be deleted."""
    resume_anyway: bool = False
    """Whether the run may be resumed after a change of the experiment, the data or a plugin."""


def train_options(
    device: Any, limit: Any = None, resume: Any = False, force: Any = False, resume_anyway: Any = False
) -> TrainOptions:
    """The options of `train` and `dry_run`, after a check of what was given.

    Raises:
        ConfigError: an option has a wrong type or value, there is no such device, or two options contradict each other.
    """
    resumes = bool(resume_argument(resume)) or flag_argument(resume_anyway, "resume_anyway")
    if flag_argument(force, "force") and resumes:
        raise ConfigError(TWO_WISHES)
    return TrainOptions(as_device(device), count_argument(limit, "limit"), resumes, force, resume_anyway)
