"""The plain reference is anchored to torch's own LSTM, and `lstm_prime` to both; whole models: tests/sharing."""

import pytest
import torch
from torch import Tensor, nn

from mtlkit.kernels.recurrence.message_passing import (
    FusionWeights,
    LstmWeights,
    ScorerWeights,
    lstm_prime,
    reference_direct,
    reference_indirect,
    reference_lstm,
)

BATCH, TIME, INPUT, STATE = 3, 6, 4, 5


@pytest.fixture
def lstm() -> nn.LSTM:
    torch.manual_seed(1)
    return nn.LSTM(INPUT, STATE, batch_first=True).double()


@pytest.fixture
def inputs_BTE() -> Tensor:
    return torch.randn(BATCH, TIME, INPUT, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def test_reference_lstm_is_torchs(lstm: nn.LSTM, inputs_BTE: Tensor) -> None:
    states_BTD = torch.stack(reference_lstm(inputs_BTE, LstmWeights.of(lstm)), dim=1)
    torch.testing.assert_close(states_BTD, lstm(inputs_BTE)[0])


def test_without_a_message_lstm_prime_is_a_plain_lstm(lstm: nn.LSTM, inputs_BTE: Tensor) -> None:
    nothing = torch.zeros(BATCH, STATE, dtype=torch.float64), torch.ones(BATCH, 1, dtype=torch.float64)
    states_BTD, weights = lstm_prime(inputs_BTE, lstm, lambda time, previous_BD: nothing, lambda cell_BD, _: cell_BD)
    torch.testing.assert_close(states_BTD, lstm(inputs_BTE)[0])
    assert len(weights) == TIME


def test_reference_without_fusion_is_a_plain_lstm(lstm: nn.LSTM, inputs_BTE: Tensor) -> None:
    own = LstmWeights.of(lstm)
    scorer = ScorerWeights(random(2, INPUT + 2 * STATE), random(2))
    fusion = FusionWeights(random(STATE, STATE), random(STATE, STATE), torch.zeros(STATE, STATE, dtype=torch.float64))
    mask_BT = torch.ones(BATCH, TIME, dtype=torch.bool)
    states, plain_BTD = reference_lstm(inputs_BTE, own), lstm(inputs_BTE)[0]
    torch.testing.assert_close(reference_direct(inputs_BTE, [states, states], own, scorer, fusion)[0], plain_BTD)
    torch.testing.assert_close(reference_indirect(inputs_BTE, states, mask_BT, own, scorer, fusion)[0], plain_BTD)


def test_receive_gets_the_previous_fused_state(lstm: nn.LSTM, inputs_BTE: Tensor) -> None:
    heard = []

    def receive(time: int, previous_BD: Tensor) -> tuple[Tensor, Tensor]:
        assert time == len(heard)
        heard.append(previous_BD)
        return previous_BD, previous_BD

    states_BTD, _ = lstm_prime(inputs_BTE, lstm, receive, lambda cell_BD, content_BM: cell_BD + content_BM + 1)
    torch.testing.assert_close(torch.stack(heard[1:], dim=1), states_BTD[:, :-1])
    assert not heard[0].any()
    assert not torch.allclose(states_BTD, lstm(inputs_BTE)[0])
