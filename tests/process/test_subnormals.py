"""Subnormal numbers are zero inside a block, in whatever thread it computes."""

import threading

import pytest
import torch
from torch import Tensor, nn

from mtlkit.kernels.compute import Compute
from mtlkit.kernels.networks_in_threads import run_each
from mtlkit.kernels.workers import with_threads
from mtlkit.process.subnormals import flushed_subnormals, flushes_subnormals
from mtlkit.training.process import computing_as
from mtlkit.training.settings import TrainerSettings

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor cannot flush subnormals")


def kept(numbers: int = 1) -> int:
    """How many products of that many are subnormal, in the threads that torch shares them out to."""
    small = torch.full((numbers,), 1e-20)
    return int((small * small != 0).sum())


def test_a_block_flushes_and_gives_back_what_was() -> None:
    assert kept() == 1 and not flushes_subnormals()
    with flushed_subnormals():
        assert kept() == 0 and flushes_subnormals()
        with flushed_subnormals(False):
            assert kept() == 1
        assert kept() == 0
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(kept()))
        thread.start()
        thread.join()
        assert found == [0], "a thread that begins inside"
    with pytest.raises(KeyError), flushed_subnormals():
        raise KeyError
    assert kept() == 1


@pytest.mark.parametrize("flush", [True, False])
def test_threads_that_began_before_do_as_the_one_that_asks(flush: bool) -> None:
    def run(network: nn.Module, own: Tensor) -> Tensor:
        return own * float(kept())

    inputs = [torch.ones(1)] * 4
    for now in (not flush, flush):  # the second time in threads that began with the opposite
        with flushed_subnormals(now):
            states = run_each([nn.Identity()] * 4, run, inputs, Compute(network_threads=2))
            others = with_threads(torch.get_num_threads() + 1, CPU, kept)
    assert [int(each) for each in states] == [0 if flush else 1] * 4
    assert others == (0 if flush else 1)


def test_torchs_own_threads_flush_where_training_has_several() -> None:
    found: list[int] = []

    def work() -> None:  # in a thread of its own, for which torch starts others
        with computing_as(TrainerSettings(epochs=1, batch_size=1, optimizer={"type": "sgd"}, threads=2)):
            with flushed_subnormals():
                found.append(kept(2**20))
            found.append(kept())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [0, 1]
