"""Threads in which torch has a given number of threads inside an operation, whatever it has elsewhere.

`torch.set_num_threads` does two things. It sets the number of the calling thread, and it sets the default of the
process, which every other thread takes over at its first operation and keeps from then on. So a function can only be
run with another number, and leave everyone else's alone, in a thread of its own; and the default has to be put back
once those threads have begun.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")

MOST_WORKERS = 8
"""Calls of `with_threads` that run at once for one number; more wait for their turn."""

_lock = threading.Lock()
_pools: dict[tuple[str, int, int], ThreadPoolExecutor] = {}


def with_threads(number: int | None, device: torch.device, function: Callable[[], Result]) -> Result:
    """What the function returns when torch has so many threads inside an operation on a CPU.

    It runs in the calling thread if that has the number already, or elsewhere than on a CPU, where it does not matter;
    and in a worker otherwise. Rounding depends on the number, so this makes results independent of how the caller has
    set torch. Autograd's and autocast's modes are those of the calling thread.

    Args:
        number: None for as many as the calling thread has.
        device: of the tensors that are computed with.
        function: what to run; it must not wait for another call of `with_threads` from a thread of its own.

    Raises:
        Exception: that of the function.
    """
    if number is None or device.type != "cpu" or number == torch.get_num_threads():
        return function()
    return _workers(number).submit(as_here(function)).result()


def prepare_threads(number: int | None, device: torch.device) -> None:
    """Starts the workers that `with_threads` would need if it were called from here.

    While they start, the process's default is another one for an instant. It is better that this happens where an
    archive is loaded than later, when a server's threads may be just about to run their first operation.
    """
    if number is not None and device.type == "cpu" and number != torch.get_num_threads():
        _workers(number)


def _workers(number: int) -> ThreadPoolExecutor:
    return pool("mtlkit-worker", min(os.cpu_count() or 1, MOST_WORKERS), number)


def pool(name: str, workers: int, number: int) -> ThreadPoolExecutor:
    """The process's pool of that name with so many workers, in each of which torch has `number` threads."""
    key = name, workers, number
    if (found := _pools.get(key)) is not None:  # without the lock, since it is asked for with every batch
        return found
    with _lock:
        if key not in _pools:
            _pools[key] = _started(name, workers, number)
        return _pools[key]


def _started(name: str, workers: int, number: int) -> ThreadPoolExecutor:
    """A pool whose workers have all begun. Only one may be started at a time."""

    def start() -> ThreadPoolExecutor:
        default = torch.get_num_threads()  # the default of the process, since this thread asks for the first time
        all_begun = threading.Barrier(workers + 1)

        def begin() -> None:
            torch.get_num_threads()  # first: a thread's first question overwrites its number by the default
            torch.set_num_threads(number)
            all_begun.wait()  # no worker is idle before all have begun, so the pool does start them all

        started = ThreadPoolExecutor(workers, thread_name_prefix=name, initializer=begin)
        try:
            for _ in range(workers):
                started.submit(int)
            all_begun.wait()
        except BaseException:  # such as of a system that gives no more threads
            all_begun.abort()
            raise
        finally:
            torch.set_num_threads(default)
        return started

    # A fresh thread reads the default and sets it back. The calling thread could do neither: it would read its own
    # number, which may be another, and setting the default would set its own as well.
    with ThreadPoolExecutor(1, thread_name_prefix=f"{name}-start") as helper:
        return helper.submit(start).result()


def _forget_pools() -> None:
    """For a forked process: threads do not survive a fork, so a pool that did would wait for them forever. Nor can the
    lock be trusted, which another thread may have held."""
    global _lock
    _lock = threading.Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_forget_pools)


def as_here(function: Callable[..., Result], *first: Any) -> Callable[..., Result]:
    """The function with its first arguments given, for another thread, in the modes that are in force in this one:
    inference mode, gradients and autocast, which torch keeps for each thread."""
    inference, graph = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    lower, precision = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def run(*others: Any) -> Result:
        with ExitStack() as modes:
            modes.enter_context(torch.inference_mode(inference))
            modes.enter_context(torch.set_grad_enabled(graph))
            # Autocast keeps weights in the lower precision for as long as a region lasts in the process's one cache.
            # With regions in several threads, the first that ends would empty it under the others.
            modes.enter_context(torch.autocast("cpu", dtype=precision, enabled=lower, cache_enabled=False))
            return function(*first, *others)

    return run
