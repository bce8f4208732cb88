import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mtlkit.encoders import BilstmEncoder


def paired() -> tuple[BilstmEncoder, nn.LSTM]:
    """The encoder, and PyTorch's own bidirectional LSTM with the same parameters."""
    torch.manual_seed(1)
    encoder = BilstmEncoder(hidden_dim=4, input_dim=3).double()
    oracle = nn.LSTM(3, 4, batch_first=True, bidirectional=True).double()
    weights = dict(encoder.rightward.state_dict())
    weights |= {f"{name}_reverse": value for name, value in encoder.leftward.state_dict().items()}
    oracle.load_state_dict(weights)
    return encoder, oracle


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_equals_a_packed_bidirectional_lstm(lengths: list[int]) -> None:
    encoder, oracle = paired()
    lengths_B = torch.tensor(lengths)
    mask_BT = torch.arange(max(lengths)) < lengths_B.unsqueeze(1)
    states_BTE = torch.randn(len(lengths), max(lengths), 3, dtype=torch.float64, requires_grad=True)
    upstream_BTD = torch.randn(len(lengths), max(lengths), 8, dtype=torch.float64)

    found_BTD = encoder(states_BTE, mask_BT)
    packed = pack_padded_sequence(states_BTE, lengths_B, batch_first=True, enforce_sorted=False)
    expected_BTD, _ = pad_packed_sequence(oracle(packed)[0], batch_first=True)
    torch.testing.assert_close(found_BTD, expected_BTD)

    found = torch.autograd.grad(found_BTD, [states_BTE, *encoder.parameters()], upstream_BTD)
    expected = torch.autograd.grad(expected_BTD, [states_BTE, *oracle.parameters()], upstream_BTD)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
