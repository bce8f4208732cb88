"""Checks of initialisers."""

import torch
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.initializers import Initializer
from mtlkit.testing.promises import doing, promise


def check_initializer(lazy: Lazy[Initializer]) -> None:
    """Checks that every value is overwritten by a finite one, and that equal seeds give equal values."""
    with doing("when it is built"):
        initializer = lazy.build()
    shapes = [(4, 3), (2, 3, 5)] if initializer.needs_matrix else [(7,), (4, 3), (2, 3, 5)]
    for shape in shapes:
        for dtype in (torch.float32, torch.float64):
            first, second = (_filled(initializer, shape, dtype, garbage) for garbage in (torch.nan, 1e30))
            promise(bool(first.isfinite().all()), f"of a parameter of shape {shape} numbers are left or not finite")
            promise(first.equal(second), f"numbers of a parameter of shape {shape} hang on what was there before")
    with doing("when it fills a parameter on the meta device"):
        initializer.fill(torch.empty(4, 3, device="meta"))


@torch.no_grad()
def _filled(initializer: Initializer, shape: tuple[int, ...], dtype: torch.dtype, garbage: float) -> Tensor:
    parameter = torch.full(shape, garbage, dtype=dtype)
    torch.manual_seed(0)
    with doing(f"when it fills a parameter of shape {shape}"):
        initializer.fill(parameter)
    return parameter
