"""Recurrences as scans, against torch's own networks and the plain references, in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mtlkit.errors import ConfigError
from mtlkit.kernels.crf.reference import bio_constraints, scanned_viterbi, viterbi
from mtlkit.kernels.recurrence.attentive_lstm import ScorerParts, attentive_lstm
from mtlkit.kernels.recurrence.message_passing import FusionWeights
from mtlkit.kernels.recurrence.pure import PureRecurrence
from mtlkit.kernels.scans.networks import ScannedGru, ScannedLstm, with_scans
from mtlkit.kernels.scans.recurrence import ScannedRecurrence


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_first": True},
        {"num_layers": 2, "bidirectional": True},
        {"bias": False, "batch_first": True, "bidirectional": True},
    ],
)
@pytest.mark.parametrize("steps", [1, 6])
@torch.no_grad()
def test_networks_give_the_states_of_torchs_own(kind, settings, steps):
    torch.manual_seed(steps)
    network = kind(3, 4, **settings).double()
    inputs = torch.randn(2, steps, 3, dtype=torch.float64)
    (scanned,) = with_scans(nn.Sequential(network))
    assert isinstance(scanned, ScannedLstm if kind is nn.LSTM else ScannedGru)
    begin = torch.randn_like(network(inputs)[1][0] if kind is nn.LSTM else network(inputs)[1])
    for hx in (None, (begin, begin + 1) if kind is nn.LSTM else begin):
        torch.testing.assert_close(scanned(inputs, hx), network(inputs, hx), rtol=0, atol=1e-14)
    assert all(own is other for own, other in zip(scanned.parameters(), network.parameters(), strict=True))


def test_networks_are_replaced_wherever_they_are():
    holder = nn.ModuleDict({"a": nn.ModuleList([nn.LSTM(2, 2), nn.Linear(2, 2)]), "b": nn.GRU(2, 2)})
    with_scans(holder)
    assert [type(part) for part in (*holder["a"], holder["b"])] == [ScannedLstm, nn.Linear, ScannedGru]
    with pytest.raises(ConfigError, match="projections"):
        with_scans(nn.Sequential(nn.LSTM(3, 4, proj_size=2)))


@pytest.mark.parametrize("by_step", [False, True])
@pytest.mark.parametrize("steps", [1, 5])
@torch.no_grad()
def test_the_recurrence_gives_what_the_pure_one_gives(by_step, steps):
    torch.manual_seed(steps)
    rows, size, dim, attention = 3, 4, 5, 2
    inputs_BTE = torch.randn(rows, steps, size, dtype=torch.float64)
    num_sources = 3 if by_step else steps
    sources = torch.randn(rows, *([steps] if by_step else []), num_sources, dim, dtype=torch.float64)
    padding_BN = None if by_step else torch.arange(steps) >= torch.tensor([[steps], [1], [max(1, steps - 2)]])
    lstm = nn.LSTM(size, dim, batch_first=True).double()
    scorer = ScorerParts(*(torch.randn(attention, *more, dtype=torch.float64) for more in ([size], [dim], [dim], [])))
    fusion = FusionWeights(*(torch.randn(dim, dim, dtype=torch.float64) for _ in range(3)))
    arguments = inputs_BTE, sources, padding_BN, lstm, scorer, fusion
    expected, found = (attentive_lstm(*arguments, form()) for form in (PureRecurrence, ScannedRecurrence))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-13)


def test_the_recurrence_is_not_trained():
    with pytest.raises(RuntimeError, match="no backward pass"):
        ScannedRecurrence().backward()


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), constrained=st.booleans(), seed=st.integers(0, 99))
def test_viterbi_finds_the_sequences_of_the_reference(lengths, constrained, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = ["I-NP", "O", "B-VP", "B-NP", "I-VP"] if constrained else ["a", "b", "c", "d", "e"]
    allowed_L, allowed_LL = bio_constraints(labels)
    start_L, end_L = torch.randn(2, 5, dtype=torch.float64, generator=generator)
    transitions_LL = torch.randn(5, 5, dtype=torch.float64, generator=generator)
    emissions_BTL = torch.randn(len(lengths), max(lengths), 5, dtype=torch.float64, generator=generator)
    mask_BT = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    arguments = (
        *(emissions_BTL, mask_BT, start_L.masked_fill(~allowed_L, -torch.inf)),
        *(transitions_LL.masked_fill(~allowed_LL, -torch.inf), end_L),
    )
    assert torch.equal(scanned_viterbi(*arguments), viterbi(*arguments))
