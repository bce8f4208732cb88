"""What every encoder promises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.encoders import (
    BilstmEncoder,
    CnnEncoder,
    Encoder,
    LstmEncoder,
    PassThroughEncoder,
    StackedEncoder,
    TransformerLayerEncoder,
)
from mtlkit.training.precision import autocast

ENCODERS = [
    Lazy.of(LstmEncoder, hidden_dim=4),
    Lazy.of(BilstmEncoder, hidden_dim=4),
    Lazy.of(CnnEncoder, filters=4, width=3),
    Lazy.of(CnnEncoder, filters=4, width=4),
    Lazy.of(PassThroughEncoder),
    Lazy.of(TransformerLayerEncoder, heads=1, positions="none"),
    Lazy.of(StackedEncoder, layers=[Lazy.of(BilstmEncoder, hidden_dim=3), Lazy.of(CnnEncoder, filters=4)]),
]
each_encoder = pytest.mark.parametrize("lazy", ENCODERS, ids=repr)


def build(lazy: Lazy[Encoder]) -> Encoder:
    torch.manual_seed(1)
    return lazy.build(input_dim=3).double()


def pad(rows: list[Tensor], num_steps: int) -> tuple[Tensor, Tensor]:
    """A batch with noise at padding, and its mask."""
    states_BTE = torch.full((len(rows), num_steps, 3), 100.0, dtype=torch.float64)
    for row, states_TE in enumerate(rows):
        states_BTE[row, : len(states_TE)] = states_TE
    return states_BTE, torch.arange(num_steps) < torch.tensor([[len(row)] for row in rows])


def test_every_registered_encoder_is_tested() -> None:
    assert {lazy.type for lazy in ENCODERS} == set(Encoder.list_available())


@each_encoder
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), extra=st.integers(0, 3))
def test_each_row_is_encoded_as_if_it_were_alone(lazy: Lazy[Encoder], lengths: list[int], extra: int) -> None:
    encoder = build(lazy)
    rows = [torch.randn(length, 3, dtype=torch.float64) for length in lengths]
    states_BTD = encoder(*pad(rows, max(lengths) + extra))
    assert states_BTD.shape[2] == encoder.output_dim
    for found_TD, row in zip(states_BTD, rows, strict=True):
        alone_1TD = encoder(*pad([row], len(row)))
        torch.testing.assert_close(found_TD[: len(row)], alone_1TD[0])
        assert not found_TD[len(row) :].any()


@pytest.mark.parametrize("lazy", [lazy for lazy in ENCODERS if lazy.type != "pass_through"], ids=repr)
def test_every_parameter_learns(lazy: Lazy[Encoder]) -> None:
    encoder = build(lazy)
    encoder(*pad([torch.randn(5, 3), torch.randn(2, 3)], 5)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@each_encoder
def test_runs_on_the_meta_device_and_in_half_precision(lazy: Lazy[Encoder]) -> None:
    states_BTE, mask_BT = pad([torch.randn(5, 3), torch.randn(2, 3)], 5)
    with torch.device("meta"):
        encoder = lazy.build(input_dim=3)
    assert encoder(states_BTE.float().to("meta"), mask_BT.to("meta")).shape == (2, 5, encoder.output_dim)
    with autocast(torch.device("cpu"), "bf16"):
        assert build(lazy).float()(states_BTE.float(), mask_BT).isfinite().all()
