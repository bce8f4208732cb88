import pytest
import torch

from mtlkit.kernels.gradient_reversal import reverse_gradient

STATES = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [1.0, 0.05, 2.0])
def test_forward_is_the_identity_and_backward_the_opposite(scale: float) -> None:
    states = STATES.clone().requires_grad_()
    reversed_states = reverse_gradient(states, scale)
    assert torch.equal(reversed_states, states)
    upstream = torch.randn_like(states)
    (gradient,) = torch.autograd.grad(reversed_states, states, upstream)
    torch.testing.assert_close(gradient, -scale * upstream)


def test_twice_is_not_at_all() -> None:
    states = STATES.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(reverse_gradient(reverse_gradient(states)).sin().sum(), states)
    torch.testing.assert_close(gradient, STATES.cos())


def test_what_lies_above_learns_as_usual() -> None:
    above = torch.nn.Linear(4, 2).double()
    plain = torch.autograd.grad(above(STATES).square().sum(), list(above.parameters()))
    reversed_ = torch.autograd.grad(above(reverse_gradient(STATES, 3.0)).square().sum(), list(above.parameters()))
    assert all(torch.equal(left, right) for left, right in zip(plain, reversed_, strict=True))


def test_keeps_precision_and_needs_no_memory() -> None:
    assert reverse_gradient(STATES.bfloat16()).dtype == torch.bfloat16
    assert reverse_gradient(torch.empty(2, 3, device="meta")).is_meta
