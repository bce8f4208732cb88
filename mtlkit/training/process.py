"""Torch's number of threads while a process trains.

Training owns its process: autograd and optimisers run with torch's own number, which cannot be handed to them. All else
that a trainer's settings say of computing is a value that the model is handed (`TrainerSettings.compute`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mtlkit.training.settings import TrainerSettings


def compute_as(trainer: TrainerSettings) -> None:
    """Gives torch the trainer's number of threads, in the calling thread and in those that begin after it."""
    torch.set_num_threads(trainer.threads)


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
