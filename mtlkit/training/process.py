"""Torch's number of threads while a process trains.

Training owns its process: autograd and optimisers run with torch's own number, which cannot be handed to them. All else
that a trainer's settings say of computing is a value that the model is handed (`TrainerSettings.compute`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mtlkit.process.subnormals import flushed_subnormals
from mtlkit.training.settings import TrainerSettings

LARGE = 2**16
"""How many numbers torch gives to a thread at least, twice."""


def compute_as(trainer: TrainerSettings) -> None:
    """Gives torch the trainer's number of threads, in the calling thread and in those that begin after it."""
    torch.set_num_threads(trainer.threads)
    if trainer.threads > 1:
        # The threads of OpenMP compute the steps of training as well, and adopt how to treat subnormal numbers from
        # this thread at the moment when they begin, which is the first operation that is large enough to share out.
        with flushed_subnormals():
            torch.zeros(trainer.threads * LARGE).add_(1)


@contextmanager
def computing_as(trainer: TrainerSettings) -> Iterator[None]:
    """Gives torch the trainer's number of threads inside the block. For work that owns the process: other threads that
    begin meanwhile take the number over."""
    with threads_as_before():
        compute_as(trainer)
        yield


@contextmanager
def threads_as_before() -> Iterator[None]:
    """Gives torch back its number of threads after the block, however the block ends."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
