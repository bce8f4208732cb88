"""Checks that apply to every module: learning, saving, double precision, and building without memory.

Shapes: B texts, T words, D output size.
"""

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor, nn

from mtlkit.config import FILES, Lazy, interface_of
from mtlkit.sharing import SearchableScheme
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import Sample, runtime_values

Run = Callable[[Any, Sample], Tensor]
"""A function that runs a module on a sample."""

LONGER = 3


def build_module(lazy: Lazy[Any], seed: int = 0) -> Any:
    """Builds a module in double precision and in evaluation mode."""
    torch.manual_seed(seed)
    with doing("when it is built"):
        return lazy.build(**runtime(lazy)).double().eval()


def runtime(lazy: Lazy[Any]) -> dict[str, Any]:
    """Returns the run-time values that the component's interface offers."""
    values = runtime_values()
    return {name: values[name] for name in interface_of(lazy.component).offers if name != FILES}


def check_module(lazy: Lazy[Any], run: Run, sample: Sample) -> None:
    """Checks everything that applies to modules that turn a sample into a tensor."""
    module = build_module(lazy)
    with doing("in evaluation mode"):
        first, second = run(module, sample), run(module, sample)
    promise(bool(first.isfinite().all()), "its output holds numbers that are not finite")
    promise(torch.equal(first, second), "in evaluation mode, the same input gives different outputs")
    _check_gradients(lazy, run, sample)
    check_state(lazy, lambda tried: run(tried, sample))
    _check_precision(lazy, run, sample)
    check_meta_device(lazy)


def check_states(lazy: Lazy[Any], run: Run, sample: Sample) -> None:
    """Checks modules that turn B texts of T words into states (B, T, D)."""
    module = build_module(lazy)
    with doing("in evaluation mode"):
        states_BTD = run(module, sample)
    expected = (*sample.mask_BT.shape, module.output_dim)
    promise(tuple(states_BTD.shape) == expected, f"its states are {tuple(states_BTD.shape)}, not (B, T, D) {expected}")
    promise(not states_BTD[~sample.mask_BT].any(), "its states are not zero at padding")
    check_padding(module, run, sample)
    check_independence(module, run, sample)


def check_padding(module: nn.Module, run: Run, sample: Sample, padding: float = 0) -> None:
    """Checks that neither more padding nor its content changes the output. `padding` is the expected output at
    padding.
    """
    with doing("with more padding"):
        expected, longer = run(module, sample), run(module, sample.padded(LONGER))
    if expected.dim() > 1:
        expected = torch.cat(
            [expected, expected.new_full((len(expected), LONGER, *expected.shape[2:]), padding)], dim=1
        )
    promise(close(longer, expected), "more padding, or what stands in it, changes its outputs")


def check_independence(module: nn.Module, run: Run, sample: Sample) -> None:
    """Checks that the order of texts is kept, and that a text is independent of the other texts in the batch."""
    order = list(range(sample.size))[::-1]
    with doing("with the texts in another order"):
        expected, turned = run(module, sample), run(module, sample.rows(order))
    promise(close(turned, expected[order]), "with the texts of a batch in another order, the outputs are others")
    for row in order:
        with doing("with a batch of one text"):
            alone = run(module, sample.rows([row]))
        same = expected[[row], : alone.shape[1]] if alone.dim() > 1 else expected[[row]]
        promise(close(alone, same), "a text's outputs depend on the other texts of its batch")


def close(left: Tensor, right: Tensor) -> bool:
    """Compares tensors up to the rounding differences of reordered sums."""
    return left.shape == right.shape and torch.allclose(left, right, rtol=1e-8, atol=1e-10)


def _check_gradients(lazy: Lazy[Any], run: Run, sample: Sample) -> None:
    module = build_module(lazy).train()
    # What rewards train gets no gradient from a loss; its own interface's check sees to it.
    elsewhere = module.search_parameters() if isinstance(module, SearchableScheme) else []
    apart = {id(parameter) for parameter in elsewhere}
    check_gradients(module, lambda: run(module, sample), apart)


def check_gradients(module: nn.Module, run: Callable[[], Tensor], apart: Collection[int] = ()) -> None:
    """Checks that every trainable parameter gets a gradient, except those whose id is in `apart`."""
    named = module.named_parameters()
    trainable = {name: each for name, each in named if each.requires_grad and id(each) not in apart}
    if not trainable:
        return
    with doing("in training mode"):
        output = run()
        # Not the plain sum, which a softmax or a normalisation makes constant.
        weights = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
        (output * weights).sum().backward()  # type: ignore[no-untyped-call]  # untyped in torch
    for name, parameter in trainable.items():
        gradient = parameter.grad
        promise(gradient is not None and bool(gradient.any()), f"its parameter {name} gets no gradient")
        promise(gradient is None or bool(gradient.isfinite().all()), f"the gradient of {name} is not finite")


def check_state(lazy: Lazy[Any], run: Callable[[Any], Tensor]) -> None:
    """Checks that another instance with the same weights gives the same output."""
    original, copy = build_module(lazy, seed=1), build_module(lazy, seed=2)
    owners: dict[int, str] = {}
    for name, tensor in original.state_dict().items():
        promise(isinstance(tensor, Tensor), f"state_dict holds {name}, not a tensor; archives hold tensors only")
        owner = owners.setdefault(tensor.data_ptr() or id(tensor), name)
        promise(owner == name, f"state_dict holds one tensor twice, as {owner} and as {name}; register it once")
    with doing("when the weights of another instance are loaded"):
        copy.load_state_dict(original.state_dict())
        outputs = run(original), run(copy)
    promise(torch.equal(*outputs), "an instance with another's weights gives other outputs: state_dict lacks something")


def _check_precision(lazy: Lazy[Any], run: Run, sample: Sample) -> None:
    for dtype in (torch.float32, torch.float64):
        module = build_module(lazy).to(dtype)
        with doing(f"in {dtype}"):
            output = run(module, sample.to(dtype))
        promise(not output.is_floating_point() or output.dtype == dtype, f"in {dtype} its output is {output.dtype}")


def check_meta_device(lazy: Lazy[Any]) -> None:
    """Checks that the module can be built on the meta device, which `mtlkit check` uses to save memory."""
    with doing("when it is built on the meta device"), torch.device("meta"):
        module = lazy.build(**runtime(lazy))
    for name, parameter in module.named_parameters():
        promise(parameter.is_meta, f"its parameter {name} is not made on the default device; leave out device=")
