"""The difference loss against sums over texts and pairs of features."""

import math

import pytest
import torch
from torch import Tensor

from mtlkit.kernels.difference import DifferenceNorm, difference_loss

both_norms = pytest.mark.parametrize("norm", ["raw", "normalised"])


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def centred_and_stretched(rows: list[list[float]]) -> list[list[float]]:
    means = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    centred = [[number - mean for number, mean in zip(row, means, strict=True)] for row in rows]
    return [[number / math.sqrt(sum(other**2 for other in row)) for number in row] for row in centred]


def brute_force(shared: list[list[float]], private: list[list[float]], norm: DifferenceNorm) -> float:
    if norm == "normalised":
        shared, private = centred_and_stretched(shared), centred_and_stretched(private)
    products = [
        sum(left * right for left, right in zip(one, other, strict=True))
        for one in zip(*shared, strict=True)
        for other in zip(*private, strict=True)
    ]
    total = sum(product**2 for product in products)
    return total if norm == "raw" else total / len(products)


@both_norms
def test_equals_the_sums(norm: DifferenceNorm) -> None:
    shared_BS, private_BP = normal(5, 3), normal(5, 4)
    expected = brute_force(shared_BS.tolist(), private_BP.tolist(), norm)
    assert difference_loss(shared_BS, private_BP, norm).item() == pytest.approx(expected, rel=1e-12)


@both_norms
def test_is_zero_for_orthogonal_features_and_only_there(norm: DifferenceNorm) -> None:
    """Patterns over the texts that have mean zero and no product with each other."""
    left_B1 = torch.tensor([1.0, 1, -1, -1], dtype=torch.float64).unsqueeze(1)
    right_B1 = torch.tensor([1.0, -1, 1, -1], dtype=torch.float64).unsqueeze(1)
    orthogonal = difference_loss(left_B1 * normal(1, 3), right_B1 * normal(1, 2), norm)
    assert orthogonal.item() == pytest.approx(0, abs=1e-28)
    assert difference_loss(left_B1 * normal(1, 3), left_B1 * normal(1, 2), norm) > 0.1


@both_norms
def test_gradients_are_those_of_finite_differences(norm: DifferenceNorm) -> None:
    views = (normal(4, 3).requires_grad_(), normal(4, 2).requires_grad_())
    assert torch.autograd.gradcheck(lambda shared, private: difference_loss(shared, private, norm), views)


def test_normalised_looks_at_directions_alone() -> None:
    shared_BS, private_BP = normal(5, 3), normal(5, 4)
    other = difference_loss(100 * shared_BS + normal(1, 3), private_BP, "normalised")
    torch.testing.assert_close(other, difference_loss(shared_BS, private_BP, "normalised"))


@both_norms
@pytest.mark.parametrize("num_texts", [1, 3])
def test_equal_texts_do_not_explode(norm: DifferenceNorm, num_texts: int) -> None:
    """Their difference from the mean is rounding error, which must not be stretched to length 1."""
    shared_BS = normal(1, 30).float().expand(num_texts, 30).clone().requires_grad_()
    loss = difference_loss(shared_BS, normal(1, 20).float().expand(num_texts, 20), norm)
    (gradient_BS,) = torch.autograd.grad(loss, shared_BS)
    assert loss.isfinite() and gradient_BS.isfinite().all()
    if norm == "normalised":
        assert loss < 1e-3 and gradient_BS.abs().max() < 1e3


def test_half_precision_is_widened_before_the_mean_is_taken() -> None:
    shared_BS, private_BP = 5 + 0.1 * normal(8, 4), normal(8, 4)
    halves = shared_BS.bfloat16(), private_BP.bfloat16()
    exact = difference_loss(halves[0].double(), halves[1].double())
    assert difference_loss(*halves).dtype == torch.float32
    torch.testing.assert_close(difference_loss(*halves).double(), exact, rtol=1e-4, atol=0)
