"""LSTMs of both directions as one operation against torch's own, outputs and every gradient."""

import pytest
import torch
from torch import Tensor, nn

from mtlkit.kernels import choice
from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.compute import AUTOMATIC, Compute, Kernels
from mtlkit.kernels.lstm.both_ways import both_ways, plain_both_ways
from mtlkit.kernels.lstm.compiled import CompiledLstm, compiled_lstm
from mtlkit.training.precision import autocast

LENGTHS = [[1], [4], [5, 5], [2, 7, 1], [3, 0, 6, 6], [9, 2, 2, 9, 1, 30, 17, 4, 4, 8, 3], [60, 55, 41], [0, 0]]
SIZES = [(1, 1), (3, 4), (20, 9), (7, 33)]
each_batch = pytest.mark.parametrize("lengths", LENGTHS, ids=str)
each_size = pytest.mark.parametrize(("size", "dim"), SIZES)


@pytest.fixture(autouse=True)
def compiled() -> CompiledLstm:
    """Whatever runs here runs compiled."""
    built = compiled_lstm()
    if isinstance(built, BuildError):
        pytest.skip(f"{built}")
    return built


class Case:
    """A batch, with numbers at padding that must count nowhere, and both networks."""

    def __init__(self, lengths: list[int], size: int, dim: int, dtype: torch.dtype = torch.float64) -> None:
        torch.manual_seed(1)
        self.lstms = [nn.LSTM(size, dim, batch_first=True).to(dtype) for _ in range(2)]
        time = max(*lengths, 1) + 2 if len(lengths) > 1 else lengths[0]
        self.mask_BT = torch.arange(time) < torch.tensor(lengths).unsqueeze(1)
        self.inputs_BTE = torch.randn(len(lengths), time, size, dtype=dtype, requires_grad=True)

    def leaves(self) -> list[Tensor]:
        return [self.inputs_BTE, *(parameter for lstm in self.lstms for parameter in lstm.parameters())]

    def gradients(self, states_BTD: Tensor) -> tuple[Tensor, ...]:
        generic = torch.arange(1, states_BTD.numel() + 1).view(states_BTD.shape).sin().to(states_BTD.dtype)
        return torch.autograd.grad((states_BTD * generic).sum(), self.leaves())

    def run(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        states_BTD = both_ways(*self.lstms, self.inputs_BTE, self.mask_BT)
        assert "_BothWays" in type(states_BTD.grad_fn).__name__
        return states_BTD, self.gradients(states_BTD)

    def expected(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        states_BTD = plain_both_ways(*self.lstms, self.inputs_BTE, self.mask_BT)
        return states_BTD, self.gradients(states_BTD)


@each_batch
@each_size
def test_it_is_torchs(lengths: list[int], size: int, dim: int) -> None:
    case = Case(lengths, size, dim)
    torch.testing.assert_close(case.run(), case.expected())


@each_batch
def test_in_single_precision(lengths: list[int]) -> None:
    """Within 1e-5 of what double precision gives, gradients over their largest number."""
    (states_BTD, gradients), exact = Case(lengths, 20, 9, torch.float32).run(), Case(lengths, 20, 9)
    for single, double in zip(exact.leaves(), Case(lengths, 20, 9, torch.float32).leaves(), strict=True):
        single.data.copy_(double)
    expected_BTD, expected = exact.expected()
    assert (states_BTD - expected_BTD).abs().max() < 1e-5
    for gradient, other in zip(gradients, expected, strict=True):
        assert (gradient - other).abs().max() <= 1e-5 * other.abs().max()


@pytest.mark.parametrize("scale", [30.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_numbers_saturate(scale: float, dtype: torch.dtype) -> None:
    case = Case([5, 2, 9], 6, 5, dtype)
    case.inputs_BTE.data.mul_(scale)
    with torch.no_grad():
        states_BTD, expected_BTD = both_ways(*case.lstms, case.inputs_BTE, case.mask_BT), case.expected
    torch.testing.assert_close(states_BTD, expected_BTD()[0].detach(), atol=1e-5, rtol=1e-5)
    assert all(bool(gradient.isfinite().all()) for gradient in case.run()[1])


def test_what_is_not_a_number_stays_in_its_row() -> None:
    case = Case([5, 2, 9], 6, 5)
    case.inputs_BTE.data[1, 0] = torch.nan
    case.inputs_BTE.data[0, 6:] = torch.nan  # padding
    states_BTD = both_ways(*case.lstms, case.inputs_BTE, case.mask_BT)
    assert bool(states_BTD[[0, 2]].isfinite().all())
    assert bool(states_BTD[1, :2].isnan().any()) and not states_BTD[1, 2:].any()


def test_slices_and_transposed_inputs() -> None:
    case = Case([3, 5], 8, 4)
    wide_TBE = case.inputs_BTE.detach().transpose(0, 1).contiguous()
    states_BTD = both_ways(*case.lstms, wide_TBE.transpose(0, 1), case.mask_BT)
    torch.testing.assert_close(states_BTD, case.expected()[0])


def test_what_needs_no_gradient_gets_none() -> None:
    case = Case([3, 5], 8, 4)
    case.inputs_BTE.requires_grad_(False)
    case.lstms[0].weight_ih_l0.requires_grad_(False)
    case.lstms[1].weight_hh_l0.requires_grad_(False)
    both_ways(*case.lstms, case.inputs_BTE, case.mask_BT).sum().backward()
    found = [parameter.grad for lstm in case.lstms for parameter in lstm.parameters()]
    for lstm in case.lstms:
        lstm.zero_grad()
    plain_both_ways(*case.lstms, case.inputs_BTE, case.mask_BT).sum().backward()
    expected = [parameter.grad for lstm in case.lstms for parameter in lstm.parameters()]
    assert case.inputs_BTE.grad is None and found[0] is None and found[5] is None
    for own, other in zip(found, expected, strict=True):
        assert (own is None) == (other is None)
        if own is not None and other is not None:
            torch.testing.assert_close(own, other)


def test_several_threads_give_the_same() -> None:
    before = torch.get_num_threads()
    case = Case([9, 2, 2, 9, 1, 30, 17, 4, 0], 20, 9)
    try:
        torch.set_num_threads(2)
        found = case.run()
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(found, case.expected())


def test_twice_gives_the_same_bits() -> None:
    case = Case([9, 2, 2, 9, 1, 30, 17], 20, 9, torch.float32)
    (first_BTD, first), (second_BTD, second) = case.run(), case.run()
    assert torch.equal(first_BTD, second_BTD)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_torchs_own_runs_where_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case([3, 5], 8, 4, torch.float32)

    def is_torchs(compute: Compute = AUTOMATIC) -> bool:
        noted: list[tuple[str, str]] = []
        states_BTD = both_ways(
            *case.lstms, case.inputs_BTE, case.mask_BT, compute, lambda operation, how: noted.append((operation, how))
        )
        found = "_BothWays" not in type(states_BTD.grad_fn).__name__
        assert noted == [("lstm", "torch" if found else "compiled")]
        return found

    assert not is_torchs()
    with autocast(torch.device("cpu"), "bf16"):
        assert is_torchs()
    without: tuple[Kernels, ...] = ("plain", "pure")
    for kernels in without:
        assert is_torchs(Compute(kernels))
    monkeypatch.setattr(choice, "compiled_lstm", lambda *_: BuildError("there is no C++ compiler"))
    assert is_torchs()
