"""Scores of resamples from counts against the same resamples given to the metric, text by text."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from mtlkit.comparison.bootstrap import draw
from mtlkit.comparison.outcomes import from_counts, metric_of, recomputed, stratum_of
from mtlkit.config import Lazy
from mtlkit.data import Target
from mtlkit.metrics import Accuracy, AdditiveMetric, Metric, SpanF1, TokenAccuracy
from mtlkit.training import Predictions

TAGS = ("O", "B-x", "I-x", "B-y", "I-y")
CASES = [(Accuracy, "accuracy"), (TokenAccuracy, "token_accuracy")]
CASES += [(SpanF1, figure) for figure in ("f1", "precision", "recall")]


def targets(kind: str, sizes: Sequence[int], seed: int) -> list[Target]:
    generator = random.Random(seed)
    if kind == "label":
        return [generator.choice("xy") for _ in sizes]
    return [tuple(generator.choices(TAGS, k=size)) for size in sizes]


def predictions(
    metric: type[Metric], answers: Sequence[Target], gold: Sequence[Target | None], clean=None
) -> Predictions:
    return Predictions("task", "the texts", answers, gold, [Lazy.of(metric)], clean)


@pytest.mark.parametrize(("metric", "figure"), CASES)
def test_counts_give_the_scores_of_the_metric_on_every_resample(metric: type[AdditiveMetric], figure: str) -> None:
    sizes = [1 + place % 4 for place in range(12)]
    gold = targets(metric.target_kind, sizes, 0)
    answers = [list(zip(targets(metric.target_kind, sizes, seed), gold, strict=True)) for seed in (0, 1, 2)]
    times_Rn = draw(np.random.default_rng(0), 40, len(sizes))
    fast = from_counts(metric(), figure, answers)(times_Rn)
    slow = recomputed(Lazy.of(metric), figure, answers)(times_Rn)
    assert fast.shape == (40, 3)
    assert (fast[:, 0] == 1).all() and (fast[:, 1:] < 1).all()
    assert fast == pytest.approx(slow, abs=1e-15)


def test_f1_of_a_resample_by_hand() -> None:
    """Text 0: 1 of 2 predicted spans right, 1 gold. Text 1: 0 of 1, 2 gold. Twice the first: 2 * 2 / (4 + 2)."""
    gold: list[Target] = [("B-x", "O", "O"), ("B-x", "B-y")]
    answers: list[Target] = [("B-x", "O", "B-x"), ("B-x", "I-x")]
    stratum = stratum_of([predictions(SpanF1, answers, gold)], Lazy.of(SpanF1), "f1", clean=False)
    assert stratum is not None
    scores = stratum.score(np.array([[1, 1], [2, 0], [0, 2]], float))
    assert scores[:, 0] == pytest.approx([2 * 1 / (3 + 3), 2 * 2 / (4 + 2), 0])


def test_texts_without_a_target_and_texts_that_were_seen_are_left_out() -> None:
    gold = ["x", None, "y", "x"]
    given = predictions(Accuracy, ["x", "x", "x", "y"], gold, np.array([True, True, True, False]))
    for clean, size, right in ((False, 3, 1 / 3), (True, 2, 1 / 2)):
        stratum = stratum_of([given], Lazy.of(Accuracy), "accuracy", clean)
        assert stratum is not None and stratum.size == size
        assert stratum.score(np.ones((1, size))).item() == pytest.approx(right)
    seen = predictions(Accuracy, ["x"], ["x"], np.array([False]))
    assert stratum_of([seen], Lazy.of(Accuracy), "accuracy", clean=True) is None


def test_a_metric_that_does_not_add_up_is_computed_on_each_resample(registry: None) -> None:
    @Metric.register("balanced")
    class Balanced(Metric):
        """The mean of the labels' recalls."""

        target_kind = "label"
        headline = "balanced"

        def __init__(self) -> None:
            self.pairs: list[tuple[Target, Target]] = []

        def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
            self.pairs += zip(predicted, gold, strict=True)

        def compute(self) -> dict[str, float]:
            labels = {truth for _, truth in self.pairs}
            right = [np.mean([guess == label for guess, truth in self.pairs if truth == label]) for label in labels]
            return {"balanced": float(np.mean(right)) if right else 0.0}

    given = predictions(Balanced, ["x", "x", "x", "y"], ["x", "x", "y", "y"])
    assert metric_of(given, "accuracy") is None
    metric = metric_of(given, "balanced")
    assert metric is not None
    stratum = stratum_of([given, given], metric, "balanced", clean=False)
    assert stratum is not None
    scores = stratum.score(np.array([[1, 1, 1, 1], [4, 0, 0, 0], [1, 0, 3, 0]], float))
    assert scores == pytest.approx(np.array([[0.75, 0.75], [1, 1], [0.5, 0.5]]))
