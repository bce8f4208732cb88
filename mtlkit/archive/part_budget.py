"""A limit on the number of a model's parts, which are built one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from torch import nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from mtlkit.experiment import Experiment
from mtlkit.process.processor_time import TimeLimit

FREE_PARTS, PARTS_PER_TASK, MAX_PARTS = 10_000, 12_000, 250_000
"""The limit on a model's modules, parameters and buffers: a constant and this many per task, and at most the last
number. A thousand LSTMs per task are about 11,000 parts.
"""


class TooManyParts(ValueError):
    """A model has more parts than it may have."""


@contextmanager
def limited_parts(experiment: Experiment, limit: TimeLimit | None = None) -> Iterator[None]:
    """Stops building a model with too many parts, such as a billion layers, in this thread.

    The limit depends on the experiment alone. It is the same before training and when an archive is opened.

    Args:
        experiment: the experiment whose model is built in the block.
        limit: the time that is left.

    Raises:
        TooManyParts: the model has too many parts.
        OutOfTime: no time is left.
    """
    # The hooks are global in torch: they also fire for models that other threads build.
    thread, count = get_ident(), 0
    most = min(FREE_PARTS + PARTS_PER_TASK * len(experiment.tasks), MAX_PARTS)

    def add(module: nn.Module, name: str, part: object) -> None:
        nonlocal count
        if get_ident() != thread:
            return
        count += 1
        if limit is not None:
            limit.check()
        if count > most:
            raise TooManyParts(f"the model has more than {most:,} parts, the most for {len(experiment.tasks)} tasks")

    hooks = [
        register(add)
        for register in (
            register_module_module_registration_hook,
            register_module_parameter_registration_hook,
            register_module_buffer_registration_hook,
        )
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
