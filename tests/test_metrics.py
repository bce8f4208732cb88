from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.metrics import Accuracy, Metric, SpanF1, TokenAccuracy, spans


def test_accuracy_counts_over_all_updates() -> None:
    metric = Accuracy()
    metric.update(["positive", "negative", "positive"], ["positive", "positive", "positive"])
    metric.update(["negative"], ["negative"])
    assert metric.compute() == {"accuracy": 3 / 4}


def test_token_accuracy_weighs_words_not_texts() -> None:
    metric = TokenAccuracy()
    metric.update([("NN", "VB", "NN"), ("DT",)], [("NN", "VB", "VB"), ("NN",)])
    assert metric.compute() == {"token_accuracy": 2 / 4}


@pytest.mark.parametrize("metric", [Accuracy(), TokenAccuracy()])
def test_nothing_to_count_scores_zero(metric: Accuracy | TokenAccuracy) -> None:
    assert metric.compute() == {metric.headline: 0.0}


def test_missing_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        Accuracy().update(["positive"], ["positive", "negative"])
    with pytest.raises(ValueError, match="longer"):
        TokenAccuracy().update([("NN",)], [("NN", "VB")])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O O", []),
        ("B-NP I-NP O", [("NP", 0, 2)]),
        ("B-NP I-NP", [("NP", 0, 2)]),
        ("B-NP B-NP I-NP", [("NP", 0, 1), ("NP", 1, 3)]),
        ("B-NP B-VP", [("NP", 0, 1), ("VP", 1, 2)]),
        ("O I-NP I-NP O", [("NP", 1, 3)]),
        ("I-NP O I-NP", [("NP", 0, 1), ("NP", 2, 3)]),
        ("B-NP I-VP I-VP", [("NP", 0, 1), ("VP", 1, 3)]),
        ("I-NP I-VP I-NP", [("NP", 0, 1), ("VP", 1, 2), ("NP", 2, 3)]),
        ("B-NP I-NP I-VP B-VP", [("NP", 0, 2), ("VP", 2, 3), ("VP", 3, 4)]),
        ("B-creative-work I-creative-work", [("creative-work", 0, 2)]),
        ("NN VB .", []),
    ],
)
def test_spans_follow_conlleval(tags: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans(tags.split()) == expected


def starts(before: str, tag: str) -> bool:
    """startOfChunk of conlleval.pl, for BIO tags."""
    return tag != "O" and (tag[0] == "B" or before == "O" or before[1:] != tag[1:])


def ends(before: str, tag: str) -> bool:
    """endOfChunk of conlleval.pl, for BIO tags."""
    return before != "O" and (tag == "O" or tag[0] == "B" or before[1:] != tag[1:])


@given(st.lists(st.sampled_from(["O", "B-NP", "I-NP", "B-VP", "I-VP"]), max_size=8))
def test_spans_begin_and_end_where_conlleval_says(tags: list[str]) -> None:
    neighbours = list(pairwise(["O", *tags, "O"]))
    first = [place for place, pair in enumerate(neighbours) if starts(*pair)]
    after = [place for place, pair in enumerate(neighbours) if ends(*pair)]
    expected = [(tags[start][2:], start, end) for start, end in zip(first, after, strict=True)]
    assert spans(tags) == expected


def scores(pairs: list[tuple[str, str]]) -> dict[str, float]:
    metric = SpanF1()
    for predicted, gold in pairs:
        metric.update([tuple(predicted.split())], [tuple(gold.split())])
    return metric.compute()


def test_scores_of_a_hand_checked_corpus() -> None:
    found = scores(
        [
            ("B-NP I-NP O B-VP", "B-NP I-NP O B-VP"),  # 2 of 2, 2 gold
            ("B-NP O O", "B-NP I-NP O"),  # wrong end: 0 of 1, 1 gold
            ("B-VP I-VP", "B-NP I-NP"),  # wrong type: 0 of 1, 1 gold
            ("O I-NP I-NP", "O B-NP I-NP"),  # ill-formed, yet the same span: 1 of 1, 1 gold
            ("B-NP B-NP", "B-NP I-NP"),  # 0 of 2, 1 gold
            ("O O", "B-NP O"),  # 0 of 0, 1 gold
        ]
    )
    assert found == pytest.approx({"precision": 3 / 7, "recall": 3 / 7, "f1": 3 / 7})


def test_precision_and_recall_are_not_mixed_up() -> None:
    found = scores([("B-NP B-NP B-NP O", "B-NP O O O")])
    assert found == pytest.approx({"precision": 1 / 3, "recall": 1.0, "f1": 0.5})


def test_a_span_counts_in_its_own_text_only() -> None:
    assert scores([("B-NP O", "O B-NP"), ("O B-NP", "B-NP O")])["f1"] == 0.0


def test_no_spans_to_count_score_zero() -> None:
    assert scores([]) == scores([("O O", "O O")]) == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


def test_headline_is_a_key_of_every_metric() -> None:
    for name in Metric.list_available():
        metric = Metric.by_name(name)()
        assert metric.headline in metric.compute()


def test_texts_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 predicted tags for 1 words"):
        scores([("O O", "O")])
