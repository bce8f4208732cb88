"""Shares out the parameters of modules by `fully_shard` of torch, whose import takes more than a second."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast, final

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from mtlkit.process.ranks import Ranks
from mtlkit.process.shared_parameters import SharedParameter, mark

# Torch 2.13 has new names for these, and warns of the old ones.
ALL_GATHER: Any = getattr(dist, "all_gather_single", dist.all_gather_into_tensor)
REDUCE_SCATTER: Any = getattr(dist, "reduce_scatter_single", dist.reduce_scatter_tensor)
Exchanging = Callable[[], AbstractContextManager[None]]


def share_out(modules: Sequence[nn.Module], ranks: Ranks, device: torch.device, exchanging: Exchanging) -> None:
    """Does what `Ranks.share_out` says, in several processes.

    Args:
        modules: inner ones before those that contain them.
        ranks: the processes.
        device: where the modules are.
        exchanging: makes a block around each exchange, which reports its errors.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)  # fully_shard computes on the current device
    mesh = DeviceMesh.from_group(cast(dist.ProcessGroup, dist.group.WORLD), device.type)
    gather, scatter = _AllGather(exchanging), _ReduceScatter(exchanging)
    for module in modules:
        without_rows = {each for each in module.parameters() if each.dim() == 0}  # they stay whole everywhere
        kind = type(module)
        # Without `reshard_after_forward`, the outermost would keep its parameters whole until the next backward pass,
        # and be read with old ones where an optimizer steps before that.
        sharded: Any = fully_shard(module, mesh=mesh, reshard_after_forward=True, ignored_params=without_rows)
        # A subclass now, which keeps the name by which `transformers` knows what an encoder can return.
        type(sharded).__module__, type(sharded).__qualname__ = kind.__module__, kind.__qualname__
        # Each process has its share of a batch's loss, so that gradients are sums, where fully_shard takes means.
        sharded.set_gradient_divide_factor(1.0)
        sharded.set_force_sum_reduction_for_comms(True)
        if isinstance(module, nn.Embedding):
            sharded.set_unshard_in_backward(False)  # its gradient does not depend on its weight
        sharded.set_custom_all_gather(gather)
        sharded.set_custom_reduce_scatter(scatter)
    for part in dict.fromkeys(part for module in modules for part in module.modules()):
        own = part.named_parameters(recurse=False)
        if found := {name: SharedParameter(each, ranks) for name, each in own if isinstance(each, DTensor)}:
            mark(part, found)
    # The memory for whole parameters is made when they are first put together. Made in inference mode, as where a
    # resumed run first scores dev data, it could not be used in training.
    for module in reversed(modules):
        sharding: Any = module
        sharding.unshard()
        sharding.reshard()


class _Exchange:
    """What `fully_shard` asks of an exchange: memory for it, which is taken anew each time."""

    def __init__(self, exchanging: Exchanging) -> None:
        self._exchanging = exchanging

    def allocate(self, size: Sequence[int], *, dtype: torch.dtype, device: torch.device) -> Tensor:
        return torch.empty(*size, dtype=dtype, device=device)


@final
class _AllGather(_Exchange):
    def __call__(
        self, output_tensor: Tensor, input_tensor: Tensor, group: dist.ProcessGroup, async_op: bool = False
    ) -> None:
        # Never `async_op`: the error of a process that is lost would come where nothing reports it.
        with self._exchanging():
            ALL_GATHER(output_tensor, input_tensor, group=group)


@final
class _ReduceScatter(_Exchange):
    def __call__(
        self, output_tensor: Tensor, input_tensor: Tensor, group: dist.ProcessGroup, op: Any, async_op: bool = False
    ) -> None:
        with self._exchanging():
            REDUCE_SCATTER(output_tensor, input_tensor, op=op, group=group)
