"""What a trainer's settings decide for the whole process: its threads and its kernels."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mtlkit.kernels.choice import chosen_kernels, prefer_kernels, set_kernels
from mtlkit.kernels.networks_in_threads import network_threads, set_network_threads
from mtlkit.training.settings import TrainerSettings


def compute_as(trainer: TrainerSettings) -> None:
    """Computes as the trainer says from now on; kernels that do not run here are an error where they are needed."""
    torch.set_num_threads(trainer.threads)
    set_network_threads(trainer.network_threads)
    set_kernels(trainer.kernels)


@contextmanager
def computing_as(trainer: TrainerSettings) -> Iterator[None]:
    """The same inside the block, for what must run everywhere, such as an archive: no kernels are insisted on."""
    with settings_of_process_kept():
        compute_as(trainer)
        prefer_kernels(trainer.kernels)
        yield


@contextmanager
def settings_of_process_kept() -> Iterator[None]:
    """Puts the threads and kernels of the process back, when the block ends, to what they were before it."""
    before = torch.get_num_threads(), network_threads(), chosen_kernels()
    try:
        yield
    finally:
        threads, networks, kernels = before
        torch.set_num_threads(threads)
        set_network_threads(networks)
        set_kernels(kernels)
