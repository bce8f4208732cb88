"""Words by the task that they read, against a count of one word after the other."""

import pytest
import torch

from mtlkit.report.analysis.sums import DOUBT, KEPT, SenderSums

NAMES = ["easily", "breaks", "the", ".", "ads", "rare", "kind", "flat", "late"]
SENDERS = ("camera", "magazines")


def test_affinities_are_those_of_a_naive_count():
    torch.manual_seed(0)
    sums, words, weights = SenderSums(NAMES, SENDERS), [], []
    for _ in range(5):
        mask_BT = torch.arange(7) < torch.randint(1, 8, (4, 1))
        words_BT = torch.randint(0, len(NAMES), (4, 7)).masked_fill(~mask_BT, 0)
        weights_BTN = torch.rand(4, 7, 2) * mask_BT.unsqueeze(2)
        sums.add(weights_BTN, mask_BT, words_BT)
        for row in range(4):
            words.append(words_BT[row, mask_BT[row]].tolist())
            weights.append(weights_BTN[row, mask_BT[row]].tolist())
    every = [both for row in weights for both in row]
    expected = []
    for place, sender in enumerate(SENDERS):
        usual = sum(both[place] for both in every) / len(every)
        scored = []
        for number, name in enumerate(NAMES):
            taken = [
                both[place]
                for some, row in zip(words, weights, strict=True)
                for word, both in zip(some, row, strict=True)
                if word == number
            ]
            texts = sum(number in some for some in words)
            score = sum(each - usual for each in taken) / (len(taken) + DOUBT)
            if name != "." and texts >= 3 and score > 0:
                scored.append((score, name, sum(taken) / len(taken), usual, texts))
        expected += [(sender, *rest) for _, *rest in sorted(scored, reverse=True)[:KEPT]]
    found = sums.affinities(20)
    assert len(found) > 4
    assert [(each.sender, each.word, each.count) for each in found] == [(row[0], row[1], row[4]) for row in expected]
    assert [each.weight for each in found] == pytest.approx([row[2] for row in expected])
    assert [each.usual for each in found] == pytest.approx([row[3] for row in expected])


def test_a_word_that_hears_one_task_is_found():
    sums = SenderSums(NAMES, SENDERS)
    words_BT = torch.tensor([[0, 2, 4, 2]]).expand(4, -1)
    weights_BTN = torch.full((4, 4, 2), 0.5)
    weights_BTN[:, 0] = torch.tensor([0.9, 0.1])
    weights_BTN[:, 2] = torch.tensor([0.2, 0.8])
    sums.add(weights_BTN, torch.ones(4, 4, dtype=torch.bool), words_BT)
    strongest = {sender: next(each for each in sums.affinities(4) if each.sender == sender) for sender in SENDERS}
    assert {sender: each.word for sender, each in strongest.items()} == {"camera": "easily", "magazines": "ads"}


def test_no_words_have_no_affinities():
    assert SenderSums(NAMES, SENDERS).affinities(0) == []
