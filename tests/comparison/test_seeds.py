"""Intervals over seeds and texts: against Welch's test, those over texts, and data of which the truth is known."""

import numpy as np
import pytest
from scipy import stats

from mtlkit.comparison.bootstrap import Array, Interval, Stratum, interval, resampled_scores
from mtlkit.comparison.seeds import SeedVariance, over_seeds_too


def of_answers(right_nS: Array, base_nS: Array, resamples: int, seed: int = 0) -> tuple[Interval, Interval]:
    """The interval over seeds and texts, and that over texts alone, of systems with S seeds each."""
    both, seeds = np.concatenate([right_nS, base_nS], axis=1), right_nS.shape[1]
    size = len(both)
    scores_RK = resampled_scores(Stratum("task", size, lambda times_Rn: times_Rn @ both / size), resamples, seed)
    gains_R = scores_RK[:, :seeds].mean(axis=1) - scores_RK[:, seeds:].mean(axis=1)
    gain = float(right_nS.mean() - base_nS.mean())
    own = SeedVariance.of(right_nS.mean(axis=0), scores_RK[:, :seeds])
    other = SeedVariance.of(base_nS.mean(axis=0), scores_RK[:, seeds:])
    return over_seeds_too(gains_R, gain, [own, other], "task", seed), interval(gains_R, gain)


def test_where_texts_do_not_matter_it_is_welchs_test() -> None:
    """Scores that are the same on every resample: seeds alone vary, by different amounts."""
    one, other = np.array([0.874, 0.868, 0.871]), np.array([0.849, 0.853, 0.839, 0.845])
    resampled = [np.tile(scores, (200_000, 1)) for scores in (one, other)]
    gain = one.mean() - other.mean()
    variances = [SeedVariance.of(scores, each) for scores, each in zip((one, other), resampled, strict=True)]
    found = over_seeds_too(np.full(200_000, gain), gain, variances, "task", 0)
    oracle = stats.ttest_ind(one, other, equal_var=False)
    expected = oracle.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02 * (expected.high - gain))
    assert found.p == pytest.approx(oracle.pvalue, rel=0.05)
    assert found.over == "seeds and texts"


def test_seeds_that_answer_alike_leave_the_interval_over_texts() -> None:
    generator = np.random.default_rng(1)
    right, base = ((generator.random((300, 1)) < share).repeat(3, axis=1).astype(float) for share in (0.85, 0.8))
    found, over_texts = of_answers(right, base, 2000)
    assert (found.low, found.high, found.p) == (over_texts.low, over_texts.high, over_texts.p)
    assert (found.over, over_texts.over) == ("seeds and texts", "texts")


def test_errors_on_single_texts_are_not_counted_twice() -> None:
    """Seeds that differ by independent errors alone, of which theory says how much each part varies."""
    generator, size = np.random.default_rng(2), 10_000
    right = (generator.random((size, 4)) < 0.8).astype(float)
    scores_RS = resampled_scores(Stratum("task", size, lambda times_Rn: times_Rn @ right / size), 2000, 0)
    found = SeedVariance.of(right.mean(axis=0), scores_RS)
    errors = 0.8 * 0.2 / size / 4
    assert found.in_all == pytest.approx(right.mean(axis=0).var(ddof=1) / 4)
    assert found.variance == pytest.approx(max(0.0, found.in_all - errors), abs=0.15 * errors)


def known_truth(generator: np.random.Generator, seeds: int, spread: float) -> tuple[Array, Array, float]:
    """Answers of two systems to 200 texts that are easy or hard for both, with seeds better or worse at all of them."""
    easy = generator.random((200, 1)) < 0.7
    shares = [np.where(easy, 0.95, 0.5) + shift for shift in (0.0, -0.03)]
    effects = [spread * generator.standard_normal((1, seeds)) for _ in shares]
    right, base = (
        (generator.random((200, seeds)) < np.clip(share + effect, 0, 1)).astype(float)
        for share, effect in zip(shares, effects, strict=True)
    )
    return right, base, 0.03


@pytest.mark.parametrize("spread", [0.0, 0.06])
def test_it_covers_the_truth_as_often_as_it_says(spread: float) -> None:
    """95 of 100 times or a little more, with three seeds. One over texts alone does so where seeds do not matter."""
    generator = np.random.default_rng(3)
    covered = []
    for seed in range(250):
        right, base, gain = known_truth(generator, 3, spread)
        covered.append([each.low <= gain <= each.high for each in of_answers(right, base, 200, seed)])
    both, texts = np.mean(covered, axis=0)
    assert 0.92 <= both <= 0.995
    assert (texts > 0.91) if spread == 0 else (texts < 0.8)
