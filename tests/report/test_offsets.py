"""Weights by their distance from the word."""

import pytest
import torch

from mtlkit.report.analysis.sums import REACH, OffsetSums


def test_offsets_are_those_of_a_naive_sum():
    torch.manual_seed(0)
    sums, num_words, before, after = OffsetSums(), 0, 0.0, 0.0
    weights, uniform = [0.0] * (2 * REACH + 1), [0.0] * (2 * REACH + 1)
    for lengths in ([3, 1, 30], [25, 2, 2]):
        longest = max(lengths)
        mask_BT = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)
        weights_BTN = torch.zeros(3, longest, longest)
        for row, length in enumerate(lengths):
            weights_BTN[row, :length, :length] = torch.randn(length, length).softmax(dim=1)
            num_words += length
            for place in range(length):
                for source in range(length):
                    weight, offset = float(weights_BTN[row, place, source]), source - place
                    before += weight * (offset < 0)
                    after += weight * (offset > 0)
                    if abs(offset) <= REACH:
                        weights[offset + REACH] += weight
                        uniform[offset + REACH] += 1 / length
        sums.add(weights_BTN, mask_BT)
    found = sums.offsets()
    assert found.reach == REACH
    assert found.weights == pytest.approx([each / num_words for each in weights], abs=1e-6)
    assert found.uniform == pytest.approx([each / num_words for each in uniform])
    assert (found.before, found.after) == pytest.approx((before / num_words, after / num_words))
    assert found.before + found.weights[REACH] + found.after == pytest.approx(1)
