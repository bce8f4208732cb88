"""Independent networks distributed among threads.

This is for CPUs, where a single network is too small to benefit from several threads.

Within its thread a network runs with one thread, forward and backward. The results are therefore bitwise equal to those
of `one_by_one` with one thread, whatever the number of threads and the order in which they finish.

Autograd runs the whole backward pass of a CPU in one thread. So each network has a graph of its own, from copies of its
inputs to its outputs. In the graph around them, all networks are one node, whose backward runs these graphs in threads.

Shapes: any; K networks.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import wait
from typing import Any, TypeVar, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mtlkit.kernels.compute import AUTOMATIC, Compute, Note, unnoted
from mtlkit.kernels.workers import as_here, pool

Network = TypeVar("Network", bound=nn.Module)
Tensors = tuple[Tensor, ...]
Gradients = tuple[Tensor | None, ...]
Result = TypeVar("Result")


def run_each(
    networks: Sequence[Network],
    run: Callable[[Network, Tensor], Tensor],
    inputs: Sequence[Tensor],
    compute: Compute = AUTOMATIC,
    note: Note = unnoted,
) -> Tensors:
    """Applies `run` to each network and its own input, on a CPU in `compute.network_threads` threads.

    `run` must not draw random numbers, since networks run in any order, and must have no side effects.
    """
    if compute.network_threads > 1 and len(networks) > 1 and inputs[0].device.type == "cpu":
        note("networks", "in threads")
        return in_threads(networks, run, inputs, compute.network_threads)
    note("networks", "one by one")
    return one_by_one(networks, run, inputs)


def one_by_one(
    networks: Sequence[Network], run: Callable[[Network, Tensor], Tensor], inputs: Sequence[Tensor]
) -> Tensors:
    """Applies `run` to each network and its own input, in order: the reference for `in_threads`."""
    return tuple(run(network, own) for network, own in zip(networks, inputs, strict=True))


def in_threads(
    networks: Sequence[Network], run: Callable[[Network, Tensor], Tensor], inputs: Sequence[Tensor], number: int
) -> Tensors:
    """Computes what `one_by_one` returns, with `number` networks at a time. Double backward is not supported.

    Args:
        networks: the networks; gradients reach only their `parameters()` and `inputs`.
        run: as for `run_each`.

    Raises:
        Exception: the error of the first network that fails, once all threads have finished.
    """
    parameters = [tuple(network.parameters()) for network in networks]
    every = (*inputs, *(parameter for own in parameters for parameter in own))
    if not torch.is_grad_enabled() or not any(tensor.requires_grad for tensor in every):
        return tuple(_shared_out(number, run, list(zip(networks, inputs, strict=True))))
    outputs: Tensors = _InThreads.apply(number, networks, run, *every)  # type: ignore[no-untyped-call]  # untyped in torch
    return outputs


@final
class _InThreads(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, number: int, networks: Sequence[Network], run: Callable[[Network, Tensor], Tensor], *every: Tensor
    ) -> Tensors:
        # Inputs become leaves of a graph that ends here; parameters are leaves already. `_gradients` asks for the
        # gradients of both by name: were they added to `.grad`, threads would race for parameters that networks share.
        inputs = [own.detach().requires_grad_(own.requires_grad) for own in every[: len(networks)]]
        with torch.enable_grad():
            outputs = _shared_out(number, run, list(zip(networks, inputs, strict=True)))
        ctx.number = number
        ctx.sizes = [len(tuple(network.parameters())) for network in networks]
        # Saved like this, the inner graphs live exactly as long as the node that they belong to.
        ctx.save_for_backward(*inputs, *every[len(networks) :], *outputs)
        shown = tuple(output.detach() for output in outputs)
        ctx.mark_non_differentiable(
            *(out for out, inner in zip(shown, outputs, strict=True) if not inner.requires_grad)
        )
        ctx.set_materialize_grads(False)  # a network that nothing depends on gets None, and is left out
        return shown

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> Gradients:
        networks, saved = len(ctx.sizes), ctx.saved_tensors
        inputs, parameters, outputs = saved[:networks], saved[networks:-networks], saved[-networks:]
        leaves, start = [], 0
        for own, size in zip(inputs, ctx.sizes, strict=True):
            leaves.append((own, *parameters[start : start + size]))
            start += size
        found = _shared_out(ctx.number, _gradients, list(zip(outputs, gradients, leaves, strict=True)))
        return None, None, None, *(own[0] for own in found), *(gradient for own in found for gradient in own[1:])


def _gradients(output: Tensor, gradient: Tensor | None, leaves: Tensors) -> Gradients:
    """Returns the gradients of one network's input and parameters. Keeps the graph, so that it can be used again."""
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    if gradient is None or not output.requires_grad:
        return (None,) * len(leaves)
    found = iter(torch.autograd.grad(output, wanted, gradient, retain_graph=True, allow_unused=True))
    return tuple(next(found) if leaf.requires_grad else None for leaf in leaves)


def _shared_out(number: int, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]]) -> list[Result]:
    """Calls the function with each tuple of arguments, and returns the results in order.

    Each thread receives its share at the start. For networks of one size this is fair, and each thread is woken only
    once, whereas a queue of single networks would wake a thread for each.
    """
    run, threads = as_here(_each, function), pool("mtlkit-network", number, 1)
    shares = [arguments[first::number] for first in range(min(number, len(arguments)))]
    running = [threads.submit(run, share) for share in shares]
    wait(running)  # for all, so that none still runs when the error of another is raised
    found = [share.result() for share in running]
    return [found[place % number][place // number] for place in range(len(arguments))]


def _each(function: Callable[..., Result], share: Sequence[tuple[Any, ...]]) -> list[Result]:
    return [function(*own) for own in share]
