"""What the built-in initialisers fill parameters with."""

import math

import pytest
import torch

from mtlkit.config import Lazy
from mtlkit.initializers import Constant, Initializer, Normal, Orthogonal, Uniform, XavierUniform


def filled(component: type[Initializer], shape: tuple[int, ...], **settings: float) -> torch.Tensor:
    torch.manual_seed(0)
    parameter = torch.empty(shape, dtype=torch.float64)
    Lazy.of(component, **settings).build().fill(parameter)
    return parameter


def test_constant_is_one_number() -> None:
    assert filled(Constant, (3, 2), value=0.5).eq(0.5).all()


def test_uniform_fills_the_whole_interval() -> None:
    numbers = filled(Uniform, (10_000,), bound=0.1)
    assert numbers.abs().max() <= 0.1 and numbers.min() < -0.099 and numbers.max() > 0.099
    assert numbers.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.02)


def test_normal_has_its_standard_deviation() -> None:
    numbers = filled(Normal, (10_000,), std=0.3)
    assert numbers.std().item() == pytest.approx(0.3, rel=0.03) and abs(numbers.mean()) < 0.01


def test_xavier_has_its_bound() -> None:
    numbers = filled(XavierUniform, (200, 100), gain=2.0)
    bound = 2.0 * math.sqrt(6 / 300)
    assert 0.99 * bound < numbers.abs().max() <= bound


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape: tuple[int, int]) -> None:
    matrix = filled(Orthogonal, shape, gain=1.0)
    small = matrix.T @ matrix if shape[0] > shape[1] else matrix @ matrix.T
    torch.testing.assert_close(small, torch.eye(min(shape), dtype=torch.float64))
