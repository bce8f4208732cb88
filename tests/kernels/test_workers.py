"""Functions that run with another number of torch's threads, and leave everyone else's alone."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import current_thread, main_thread

import pytest
import torch

from mtlkit.kernels.workers import prepare_threads, with_threads

CPU = torch.device("cpu")


def number_in_a_new_thread() -> int:
    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(torch.get_num_threads).result()


def test_it_runs_with_that_number_and_leaves_all_others_alone() -> None:
    before, default = torch.get_num_threads(), number_in_a_new_thread()
    prepare_threads(before + 2, CPU)
    assert with_threads(before + 2, CPU, torch.get_num_threads) == before + 2
    assert with_threads(before + 3, CPU, torch.get_num_threads) == before + 3
    assert torch.get_num_threads() == before
    assert number_in_a_new_thread() == default


def test_the_default_is_put_back_where_the_caller_has_another_number() -> None:
    default = number_in_a_new_thread()

    def with_own_number() -> tuple[int, int]:
        torch.get_num_threads()  # first, else the next question would overwrite what is set
        torch.set_num_threads(5)
        with ThreadPoolExecutor(1) as other:  # the default as it was, for the rest of the process
            other.submit(lambda: (torch.get_num_threads(), torch.set_num_threads(default))).result()
        return with_threads(6, CPU, torch.get_num_threads), torch.get_num_threads()

    with ThreadPoolExecutor(1) as caller:
        assert caller.submit(with_own_number).result() == (6, 5)
    assert number_in_a_new_thread() == default


@pytest.mark.parametrize(("number", "device"), [(None, CPU), (torch.get_num_threads(), CPU), (7, torch.device("meta"))])
def test_it_stays_in_the_calling_thread_where_it_can(number: int | None, device: torch.device) -> None:
    assert current_thread() is main_thread()
    assert with_threads(number, device, current_thread) is main_thread()


def test_modes_and_errors_are_passed_on() -> None:
    number = torch.get_num_threads() + 1
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        modes = with_threads(number, CPU, lambda: (torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")))
    assert modes == (True, True)
    assert with_threads(number, CPU, torch.is_grad_enabled)
    with pytest.raises(ZeroDivisionError):
        with_threads(number, CPU, lambda: 1 // 0)


FORKED = """
import os, torch
from torch import nn
from mtlkit.kernels.networks_in_threads import in_threads
from mtlkit.kernels.workers import with_threads

torch.set_num_threads(1)
networks, inputs = [nn.Linear(2, 2) for _ in range(3)], list(torch.ones(3, 2, 2))

def run():
    found = in_threads(networks, lambda network, own: network(own), inputs, 2)
    return with_threads(2, torch.device("cpu"), torch.get_num_threads), torch.stack(found).tolist()

expected = run()
if (child := os.fork()) == 0:
    os._exit(0 if run() == expected else 3)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    """A server that loads an archive and then forks must not wait for the parent's threads."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr
