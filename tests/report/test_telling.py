"""Which texts are shown."""

from math import log

import pytest
import torch

from mtlkit.data import Corpus, Instance, Skipped
from mtlkit.report.analysis.telling import SHOWN, TellingTexts, told
from mtlkit.sharing import WordTrace


def corpus(lengths):
    """Every text is good, and begins with another word; but for texts of 13 words."""
    texts = [
        Instance(("word" if length == 13 else f"word {number}",) * length, "good")
        for number, length in enumerate(lengths)
    ]
    return Corpus.from_instances(texts, "label")


def chosen(lengths, sharpness, predicted):
    """What is shown where text i reads its own place `sharpness[i]` times as strongly as others, all in one batch."""
    texts, longest = TellingTexts(corpus(lengths)), max(lengths)
    mask_BT = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)
    factors_B = torch.tensor(sharpness, dtype=torch.float32)
    weights_BTN = (torch.eye(longest) * (factors_B.view(-1, 1, 1) - 1) + 1) * mask_BT.unsqueeze(1)
    weights_BTN = weights_BTN / weights_BTN.sum(dim=2, keepdim=True) * mask_BT.unsqueeze(2)
    texts.add(WordTrace(weights_BTN, None), weights_BTN, mask_BT, torch.arange(len(lengths)))
    return texts.chosen(predicted)


def test_the_score_is_the_information_of_words_about_sources():
    mask_BT = torch.tensor([[True, True, False]] * 3)
    alike = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]])
    same = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    different = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    scores_B = told(torch.stack([alike, same, different]), mask_BT)
    assert scores_B.tolist() == pytest.approx([0, 0, log(2)])


def test_gates_tell_by_how_much_they_open():
    weights_BTN = torch.tensor([[[0.1], [0.9]], [[0.5], [0.5]]])
    assert told(weights_BTN, torch.ones(2, 2, dtype=torch.bool)).tolist() == pytest.approx([0.4, 0])


def test_right_and_wrong_answers_are_mixed_the_most_telling_first():
    lengths = [10] * 12
    predicted = ["good"] * 10 + ["bad"] * 2
    texts = chosen(lengths, list(range(12, 0, -1)), predicted)
    assert [each.number for each in texts] == [1, 2, 3, 4, 11, 12]
    assert [each.predicted for each in texts] == ["good"] * 4 + ["bad"] * 2
    assert all(len(each.reading.words) == 10 and len(each.reading.left_to_right[0]) == 10 for each in texts)


def test_texts_are_numbered_as_in_their_file():
    given = corpus([10] * 6)
    instances = [given.instance(index) for index in range(6)]
    texts = TellingTexts(Corpus.from_instances([Skipped("no text"), *instances], "label"))
    weights_BTN = torch.eye(10).expand(6, 10, 10)
    texts.add(WordTrace(weights_BTN, None), weights_BTN, torch.ones(6, 10, dtype=torch.bool), torch.arange(6))
    assert [each.number for each in texts.chosen(["good"] * 6)] == [2, 3, 4, 5, 6, 7]


def test_texts_that_are_readily_read_come_first():
    lengths = [3, 60, 41, 5, 100, 20, 21, 22, 23, 24, 25]
    texts = chosen(lengths, [50] * 5 + [2] * 6, ["good"] * 11)
    assert sorted(each.number for each in texts) == [6, 7, 8, 9, 10, 11]


def test_of_equal_texts_one_is_shown():
    texts = chosen([13, 13, 10, 13], [9, 9, 2, 9], ["good"] * 4)
    assert [each.number for each in texts] == [1, 3]


def test_where_all_texts_are_long_the_shortest_are_shown():
    texts = chosen([90, 50, 70, 60, 80, 100, 120, 110], [5] * 8, ["good"] * 8)
    assert sorted(each.number for each in texts) == [1, 2, 3, 4, 5, 6] and len(texts) == SHOWN
