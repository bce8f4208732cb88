import pytest
import torch
from pydantic import ValidationError

from mtlkit.config import Lazy
from mtlkit.encoders import CnnEncoder, LstmEncoder, StackedEncoder

MASK_BT = torch.ones(2, 4, dtype=torch.bool)


def test_layers_run_in_order_and_ask_each_other_for_sizes() -> None:
    layers = [Lazy.of(LstmEncoder, hidden_dim=5), Lazy.of(CnnEncoder, filters=7)]
    encoder = StackedEncoder(layers, input_dim=3)
    states_BTE = torch.randn(2, 4, 3)
    lstm, cnn = encoder.layers
    assert encoder.output_dim == 7
    assert torch.equal(encoder(states_BTE, MASK_BT), cnn(lstm(states_BTE, MASK_BT), MASK_BT))


def test_dropout_falls_between_layers_only() -> None:
    states_BTE = torch.randn(2, 4, 3)
    single = StackedEncoder([Lazy.of(LstmEncoder)], dropout=0.9, input_dim=3)
    assert torch.equal(single(states_BTE, MASK_BT), single.eval()(states_BTE, MASK_BT))
    double = StackedEncoder([Lazy.of(LstmEncoder), Lazy.of(LstmEncoder)], dropout=0.9, input_dim=3)
    assert not torch.equal(double(states_BTE, MASK_BT), double.eval()(states_BTE, MASK_BT))


def test_a_stack_needs_a_layer() -> None:
    with pytest.raises(ValidationError, match="layers"):
        Lazy.of(StackedEncoder, layers=[])
