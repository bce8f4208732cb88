"""Attention in parts against the plain form."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.kernels import additive_attention
from mtlkit.kernels.additive_attention import attend, attend_in_parts

B, T, N, D, A = 3, 7, 5, 4, 6
PADDING_BN = torch.arange(N) >= torch.tensor([[N], [1], [3]])


def tensors(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    torch.manual_seed(1)
    sizes = ((B, T, A), (B, N, A), (B, N, D), (A,))
    return [torch.randn(size, dtype=dtype).requires_grad_() for size in sizes]


@pytest.mark.parametrize("most", [1, 3 * B * N * A, 2**22], ids=["single steps", "three steps", "all steps"])
def test_means_weights_and_gradients_equal_the_plain_form(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(additive_attention, "MOST_NUMBERS", most)
    given = tensors()
    found, wanted = attend_in_parts(*given, PADDING_BN), attend(*given, PADDING_BN)
    torch.testing.assert_close(found, wanted, atol=1e-12, rtol=1e-12)
    generic = torch.arange(1.0, B * T * D + 1, dtype=torch.float64).view(B, T, D).sin()
    of_found, of_wanted = (torch.autograd.grad((means * generic).sum(), given) for means, _ in (found, wanted))
    torch.testing.assert_close(of_found, of_wanted, atol=1e-12, rtol=1e-12)
    assert all(gradient.any() for gradient in of_found)
    assert not found[1].requires_grad


@pytest.mark.parametrize("grad", [False, True])
def test_padding_has_no_weight_and_no_gradient(grad: bool) -> None:
    queries, keys, sources, score = tensors()
    with torch.set_grad_enabled(grad):
        means_BTD, weights_BTN = attend_in_parts(queries, keys, sources, score, PADDING_BN)
    assert torch.equal(weights_BTN == 0, PADDING_BN.unsqueeze(1).expand(-1, T, -1))
    if grad:
        to_keys, to_sources = torch.autograd.grad(means_BTD.square().sum(), [keys, sources])
        assert not to_keys[PADDING_BN].any() and not to_sources[PADDING_BN].any()


def test_without_gradients_weights_are_kept_only_if_asked_for() -> None:
    given = tensors()
    with torch.no_grad():
        bare, full = (attend_in_parts(*given, PADDING_BN, with_weights=wanted) for wanted in (False, True))
    assert bare[1].shape == (B, T, 0) and full[1].shape == (B, T, N)
    assert torch.equal(bare[0], full[0])


def test_parts_hold_no_more_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 2 * B * N * A
    monkeypatch.setattr(additive_attention, "MOST_NUMBERS", most)
    plain: Any = additive_attention._activations
    sizes = []

    def counted(queries_BPA: Tensor, keys_BNA: Tensor) -> Tensor:
        found: Tensor = plain(queries_BPA, keys_BNA)
        sizes.append(found.numel())
        return found

    monkeypatch.setattr(additive_attention, "_activations", counted)
    attend_in_parts(*tensors(), PADDING_BN)[0].sum().backward()
    assert len(sizes) == 2 * 4 and max(sizes) == most


def test_autocast_does_not_make_it_coarse() -> None:
    given = tensors(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attend_in_parts(*given, PADDING_BN)
    torch.testing.assert_close(found, attend(*given, PADDING_BN))
