"""Precisions: bfloat16 on processors that oneDNN has no LSTM for."""

from threading import Event, Thread

import pytest
import torch
from torch import nn

from mtlkit.training import precision
from mtlkit.training.precision import autocast


def test_precision() -> None:
    matrix = torch.ones(2, 2)
    with autocast(torch.device("cpu"), "bf16"):
        assert (matrix @ matrix).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), "fp32"):
        assert (matrix @ matrix).dtype == torch.float32


@pytest.mark.parametrize("has", [None, False])
def test_lstms_run_in_bfloat16_on_every_processor(has: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if has is not None:
        monkeypatch.setattr(precision, "has_lstm_in_bfloat16", lambda: has)
    lstm, before = nn.LSTM(4, 4), torch.get_rng_state()
    inputs_TBE = torch.linspace(-1, 1, 24).view(3, 2, 4)
    with autocast(torch.device("cpu"), "bf16"):
        assert has is None or not torch.backends.mkldnn.enabled
        states_TBH = lstm(inputs_TBE)[0]
        with torch.inference_mode():
            assert torch.equal(lstm(inputs_TBE)[0], states_TBH)
    states_TBH.float().sum().backward()
    assert torch.backends.mkldnn.enabled
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(states_TBH.float(), lstm(inputs_TBE)[0], rtol=0.02, atol=0.02)
    assert all(parameter.grad is not None for parameter in lstm.parameters())


def test_blocks_of_several_threads_leave_onednn_off_until_the_last_ends() -> None:
    entered, leave = Event(), Event()

    def compute() -> None:
        with precision.WITHOUT_ONEDNN:
            entered.set()
            leave.wait()

    thread = Thread(target=compute)
    with precision.WITHOUT_ONEDNN:
        thread.start()
        entered.wait()
    assert not torch.backends.mkldnn.enabled
    leave.set()
    thread.join()
    assert torch.backends.mkldnn.enabled


def test_what_onednn_has_is_tried_on_the_processor() -> None:
    precision.has_lstm_in_bfloat16.cache_clear()
    expected = precision.has_lstm_in_bfloat16()
    precision.has_lstm_in_bfloat16.cache_clear()
    with torch.device("meta"):  # where everything succeeds
        assert precision.has_lstm_in_bfloat16() == expected
