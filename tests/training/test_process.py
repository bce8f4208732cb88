"""What a trainer's settings decide for the whole process."""

from collections.abc import Iterator

import pytest
import torch

from mtlkit.config import validate
from mtlkit.kernels.choice import chosen_kernels, set_kernels
from mtlkit.kernels.networks_in_threads import network_threads, set_network_threads
from mtlkit.training import TrainerSettings, compute_as, computing_as


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    torch.set_num_threads(1)
    set_network_threads(1)
    set_kernels("auto")


def state() -> tuple[int, int, str]:
    return torch.get_num_threads(), network_threads(), chosen_kernels()


def settings(kernels: str) -> TrainerSettings:
    return validate(TrainerSettings, {"threads": 2, "network_threads": 3, "kernels": kernels}, "f")


def test_training_decides_for_the_process() -> None:
    compute_as(settings("compiled"))
    assert state() == (2, 3, "compiled")


@pytest.mark.parametrize(("asked", "taken"), [("pure", "pure"), ("compiled", "auto"), ("graphs", "auto")])
def test_an_archive_decides_for_a_while_and_insists_on_nothing(asked: str, taken: str) -> None:
    set_kernels("plain")
    before = state()
    with pytest.raises(KeyError), computing_as(settings(asked)):
        assert state() == (2, 3, taken)
        raise KeyError
    assert state() == before
