"""Optimizers without the compiler of torch: the numbers and hooks are PyTorch's own. See tests/cli/test_start.py for
what training imports.
"""

from typing import Any

import pytest
import torch
from torch import nn

from mtlkit.training.without_compiler import without_compiler

KINDS: list[tuple[type[torch.optim.Optimizer], dict[str, Any]]] = [
    (torch.optim.Adam, {"fused": True, "weight_decay": 0.1}),
    (torch.optim.AdamW, {"fused": True}),
    (torch.optim.SGD, {"lr": 0.1, "fused": True}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (torch.optim.Adadelta, {}),
]


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(3)
    return [nn.Parameter(torch.randn(4, 3, generator=generator)), nn.Parameter(torch.randn(3, generator=generator))]


def descend(optimizer: torch.optim.Optimizer, of: list[nn.Parameter], steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        torch.stack([(each - 1).pow(4).sum() for each in of]).sum().backward()
        optimizer.step()


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_steps_are_those_of_pytorch_to_the_bit(kind: type[torch.optim.Optimizer], options: dict[str, Any]) -> None:
    theirs, ours, resumed = parameters(), parameters(), parameters()
    reference, optimizer = kind(theirs, **options), without_compiler(kind)(ours, **options)
    descend(reference, theirs, 3)
    descend(optimizer, ours, 3)
    assert all(map(torch.equal, ours, theirs)) and not torch.equal(ours[0], parameters()[0])
    # States fit either way, as those in checkpoints that were written before.
    for mine, his in zip(resumed, theirs, strict=True):
        mine.data.copy_(his.data)
    follower = without_compiler(kind)(resumed, **options)
    follower.load_state_dict(reference.state_dict())
    reference.load_state_dict(optimizer.state_dict())
    descend(reference, theirs, 2)
    descend(follower, resumed, 2)
    assert all(map(torch.equal, resumed, theirs))


def test_steps_leave_no_graph_behind_and_run_hooks() -> None:
    weights, called = parameters(), []
    optimizer = without_compiler(torch.optim.Adam)(weights, fused=True)
    optimizer.register_step_post_hook(lambda *_: called.append("post"))
    descend(optimizer, weights, 1)
    assert called == ["post"] and all(each.grad_fn is None and each.requires_grad for each in weights)
    assert torch.is_grad_enabled() and isinstance(optimizer, torch.optim.Adam)
