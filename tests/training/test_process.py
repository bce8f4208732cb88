"""What a trainer's settings decide for the process, and what for a model alone."""

from collections.abc import Iterator

import pytest
import torch

from mtlkit.config import validate
from mtlkit.kernels.compute import Compute, Kernels
from mtlkit.training import TrainerSettings, compute_as, computing_as


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


def settings(kernels: str) -> TrainerSettings:
    return validate(TrainerSettings, {"threads": 2, "network_threads": 3, "kernels": kernels}, "f")


def test_training_decides_for_the_process() -> None:
    compute_as(settings("compiled"))
    assert torch.get_num_threads() == 2
    assert settings("compiled").compute == Compute("compiled", threads=2, network_threads=3)


@pytest.mark.parametrize(("asked", "taken"), [("pure", "pure"), ("compiled", "auto"), ("graphs", "auto")])
def test_an_archive_decides_for_a_while_and_insists_on_nothing(asked: str, taken: Kernels) -> None:
    with pytest.raises(KeyError), computing_as(settings(asked)):
        assert torch.get_num_threads() == 2
        raise KeyError
    assert torch.get_num_threads() == 1
    assert settings(asked).compute.anywhere() == Compute(taken, threads=2, network_threads=3)
