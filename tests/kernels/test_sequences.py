import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.kernels.sequences import (
    last_valid,
    masked_max,
    masked_mean,
    reverse_within_length,
    zero_padding,
)

lengths = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def batch(lengths: list[int], padding: float) -> tuple[Tensor, Tensor, list[Tensor]]:
    torch.manual_seed(0)
    rows = [torch.randn(length, 3, dtype=torch.float64) for length in lengths]
    states_BTD = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding)
    mask_BT = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    return states_BTD, mask_BT, rows


@given(lengths)
def test_each_operation_equals_the_loop_over_unpadded_rows(lengths: list[int]) -> None:
    states_BTD, mask_BT, rows = batch(lengths, padding=torch.nan)
    assert torch.equal(last_valid(states_BTD, mask_BT), torch.stack([row[-1] for row in rows]))
    assert torch.equal(masked_max(states_BTD, mask_BT), torch.stack([row.amax(dim=0) for row in rows]))
    torch.testing.assert_close(masked_mean(states_BTD, mask_BT), torch.stack([row.mean(dim=0) for row in rows]))
    for found, row in zip(reverse_within_length(states_BTD, mask_BT), rows, strict=True):
        assert torch.equal(found[: len(row)], row.flip(0))
        assert found[len(row) :].isnan().all()
    for found, row in zip(zero_padding(states_BTD, mask_BT), rows, strict=True):
        assert torch.equal(found[: len(row)], row)
        assert not found[len(row) :].any()


@given(lengths)
def test_reversal_is_its_own_inverse(lengths: list[int]) -> None:
    states_BTD, mask_BT, _ = batch(lengths, padding=7.0)
    twice_BTD = reverse_within_length(reverse_within_length(states_BTD, mask_BT), mask_BT)
    assert torch.equal(twice_BTD, states_BTD)


def test_rows_without_a_valid_step_pool_to_zero_without_bad_gradients() -> None:
    states_BTD = torch.randn(2, 3, 4, requires_grad=True)
    mask_BT = torch.tensor([[True, True, False], [False, False, False]])
    for pool in (masked_mean, masked_max):
        pooled_BD = pool(states_BTD, mask_BT)
        (gradient_BTD,) = torch.autograd.grad(pooled_BD.sum(), states_BTD)
        assert not pooled_BD[1].any()
        assert gradient_BTD.isfinite().all()
        assert not gradient_BTD[~mask_BT].any()
        torch.testing.assert_close(gradient_BTD[0].sum(), torch.tensor(4.0))
