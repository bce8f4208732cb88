"""Intervals from kept figures: against scipy's tests, and on data of which the truth is known."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

ROOT = Path(__file__).parent.parent


@pytest.fixture
def kept_gains(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "experiments"))
    return importlib.import_module("kept_gains")


def test_of_one_seed_each_it_is_the_paired_t_test_over_test_sets(kept_gains: ModuleType) -> None:
    system, baseline = np.random.default_rng(0).random((2, 1, 16))
    found = kept_gains.gain_over_test_sets(system, baseline)
    oracle = stats.ttest_rel(system[0], baseline[0])
    expected = oracle.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((expected.low, expected.high, oracle.pvalue))
    assert found.gain == pytest.approx((system - baseline).mean())


def test_where_test_sets_agree_it_is_welchs_test_over_seeds(kept_gains: ModuleType) -> None:
    one, other = np.array([0.874, 0.868, 0.871]), np.array([0.849, 0.853, 0.839, 0.845])
    found = kept_gains.gain_over_test_sets(np.tile(one[:, None], 8), np.tile(other[:, None], 8))
    oracle = stats.ttest_ind(one, other, equal_var=False)
    expected = oracle.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((expected.low, expected.high, oracle.pvalue))


def test_a_single_seed_is_taken_to_vary_as_those_of_the_others(kept_gains: ModuleType) -> None:
    generator = np.random.default_rng(1)
    several = [generator.random((3, 1)) + np.zeros((3, 8)), generator.random((2, 1)) + np.zeros((2, 8))]
    pooled = kept_gains.Seeds.pooled([*several, generator.random((1, 8))])
    expected = (2 * several[0][:, 0].var(ddof=1) + several[1][:, 0].var(ddof=1)) / 3
    assert (pooled.between, pooled.freedom) == (pytest.approx(expected), 3)
    single = np.full((1, 8), 0.5)
    alone = kept_gains.gain_over_test_sets(single, several[0])
    found = kept_gains.gain_over_test_sets(single, several[0], pooled)
    assert found.gain == alone.gain and found.high - found.low > alone.high - alone.low
    assert kept_gains.Seeds.pooled([single]) is kept_gains.Seeds.of(single) is None
    same = kept_gains.gain_over_test_sets(single, single)
    assert (same.gain, same.low, same.high, same.p) == (0, 0, 0, 1)


@pytest.mark.parametrize("spread", [0.0, 0.01])
@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_it_covers_the_truth_as_often_as_it_says(kept_gains: ModuleType, seeds: int, spread: float) -> None:
    """16 test sets of 400 texts, hard for both systems alike, and seeds that are better or worse at all of them.

    With one seed, the others' variance is known from six systems of three seeds.
    """
    generator, covered, widths = np.random.default_rng(2), [], []
    for _ in range(1000):
        hard_U = generator.normal(0.85, 0.05, 16) + generator.normal(0, 0.012, 16)

        def scores(gain: float, runs: int, hard_U: np.ndarray = hard_U) -> np.ndarray:
            own = generator.normal(0, 0.01, (runs, 16)) + spread * generator.standard_normal((runs, 1))
            return hard_U + gain + own + generator.normal(0, 0.008, 16)

        pooled = kept_gains.Seeds.pooled([scores(0, 3) for _ in range(6)])
        found = kept_gains.gain_over_test_sets(scores(0.01, seeds), scores(0, seeds), pooled)
        covered.append(found.low <= 0.01 <= found.high)
        widths.append(found.high - found.low)
    assert 0.93 <= np.mean(covered) <= 0.985
    if spread == 0:
        assert np.mean(widths) < 0.025, "2 * 2.1 * 0.018 / sqrt(16) is 0.019 where the variance is known"
