import pytest

from mtlkit.metrics import Accuracy, TokenAccuracy


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
