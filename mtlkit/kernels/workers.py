"""Threads in which torch uses a given number of threads within an operation, whatever it uses elsewhere.

`torch.set_num_threads` has two effects. It sets the number for the calling thread, and it sets the default of the
process, which every other thread adopts at its first operation and keeps from then on. Running a function with another
number without affecting other threads therefore requires a thread of its own, and the default must be restored once
such threads have started.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

import torch

from mtlkit.process.subnormals import flushed_subnormals, flushes_subnormals

Result = TypeVar("Result")

MOST_WORKERS = 8
"""The number of concurrent `with_threads` calls per number of threads; further calls wait for their turn."""

_lock = threading.Lock()
_pools: dict[tuple[str, int, int], ThreadPoolExecutor] = {}


def with_threads(number: int | None, device: torch.device, function: Callable[[], Result]) -> Result:
    """Runs a function with torch using `number` threads within an operation on a CPU, and returns its result.

    The function runs in the calling thread if that already has this number, or if the device is not a CPU, where the
    number is irrelevant, and in a worker otherwise. Since rounding depends on the number, this makes results
    independent of how the caller has set torch. The autograd and autocast modes of the calling thread apply.

    Args:
        number: the number of threads; None for that of the calling thread.
        device: the device of the tensors that the function computes with.
        function: the function to run; it must not wait for another `with_threads` call from a thread of its own.

    Raises:
        Exception: whatever the function raises.
    """
    if number is None or device.type != "cpu" or number == torch.get_num_threads():
        return function()
    return _workers(number).submit(as_here(function)).result()


def prepare_threads(number: int | None, device: torch.device) -> None:
    """Starts the workers that `with_threads` would need if it were called from this thread.

    While they start, the process's default is briefly another one. It is better for this to happen when an archive is
    loaded than later, when threads of a server may be about to run their first operation.
    """
    if number is not None and device.type == "cpu" and number != torch.get_num_threads():
        _workers(number)


def _workers(number: int) -> ThreadPoolExecutor:
    return pool("mtlkit-worker", min(os.cpu_count() or 1, MOST_WORKERS), number)


def pool(name: str, workers: int, number: int) -> ThreadPoolExecutor:
    """Returns the process's pool with this name and number of workers, in each of which torch uses `number` threads."""
    key = name, workers, number
    if (found := _pools.get(key)) is not None:  # without the lock, since it is asked for with every batch
        return found
    with _lock:
        if key not in _pools:
            _pools[key] = _started(name, workers, number)
        return _pools[key]


def _started(name: str, workers: int, number: int) -> ThreadPoolExecutor:
    """Creates a pool whose workers have all started. Only one may be started at a time."""

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
    """Resets the pools in a forked process. Threads do not survive a fork, so an inherited pool would wait for them
    forever. The lock may have been held by another thread, so it is replaced too.
    """
    global _lock
    _lock = threading.Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_forget_pools)


def as_here(function: Callable[..., Result], *first: Any) -> Callable[..., Result]:
    """Binds the first arguments of a function that is to run in another thread, in the modes of the current thread:
    inference mode, gradients, autocast and what becomes of subnormal numbers, which all belong to a thread.
    """
    flush = flushes_subnormals()
    inference, graph = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    lower, precision = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def run(*others: Any) -> Result:
        with ExitStack() as modes:
            modes.enter_context(flushed_subnormals(flush))
            modes.enter_context(torch.inference_mode(inference))
            modes.enter_context(torch.set_grad_enabled(graph))
            # Autocast keeps weights in the lower precision for as long as a region lasts in the process's one cache.
            # With regions in several threads, the first that ends would empty it under the others.
            modes.enter_context(torch.autocast("cpu", dtype=precision, enabled=lower, cache_enabled=False))
            return function(*first, *others)

    return run
