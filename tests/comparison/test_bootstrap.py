"""The bootstrap against brute force, against theory, and on data of which the truth is known."""

from itertools import product
from statistics import NormalDist

import numpy as np
import pytest

from mtlkit.comparison.bootstrap import Array, Stratum, draw, holm, interval, resampled_scores


def means(outcomes_nK: Array) -> Stratum:
    """The share of right answers of each system."""
    size = len(outcomes_nK)
    return Stratum("task", size, lambda times_Rn: times_Rn @ outcomes_nK / size)


def gains_of(outcomes_n2: Array, resamples: int, seed: int) -> tuple[Array, float]:
    scores_R2 = resampled_scores(means(outcomes_n2), resamples, seed)
    gain = outcomes_n2.mean(axis=0) @ [1, -1]
    return scores_R2 @ [1, -1], float(gain)


def test_a_resample_has_as_many_items_as_there_are() -> None:
    times_Rn = draw(np.random.default_rng(0), 50, 7)
    assert times_Rn.shape == (50, 7)
    assert (times_Rn.sum(axis=1) == 7).all()
    assert len({tuple(times_n) for times_n in times_Rn.tolist()}) > 40


def test_each_item_is_drawn_equally_often() -> None:
    times_Rn = draw(np.random.default_rng(1), 20_000, 5)
    assert times_Rn.mean(axis=0) == pytest.approx([1] * 5, abs=0.03)
    assert times_Rn.var(axis=0) == pytest.approx([4 / 5] * 5, abs=0.03)  # of Binomial(5, 1/5)


def test_three_items_against_all_their_resamples() -> None:
    """All 27 resamples of three items, of which the better system has two right and the other none."""
    outcomes = np.array([[1, 0], [1, 0], [0, 0]], float)
    every = [sum(outcomes[place] @ [1, -1] for place in places) / 3 for places in product(range(3), repeat=3)]
    # 3 of 3 right in 8 of 27, 2 in 12, 1 in 6, 0 in 1. As far from the gain, 2/3, as that is from 0 is the last alone.
    assert sorted(round(3 * gain) for gain in every) == [0] + [1] * 6 + [2] * 12 + [3] * 8
    gains_R, gain = gains_of(outcomes, 200_000, seed=3)
    assert gain == pytest.approx(2 / 3)
    for value in range(4):
        share = np.isclose(gains_R, value / 3).mean()
        assert share == pytest.approx(np.isclose(every, value / 3).mean(), abs=0.004)
    found = interval(gains_R, gain)
    assert (found.low, found.high) == pytest.approx((0, 1))  # 1 of 27 is more than 2.5 in 100
    assert found.p == pytest.approx(1 / 27, abs=0.002)


def test_the_p_value_counts_both_sides_and_the_data() -> None:
    gains_R = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.05, 0.2, 0.2, 0.2])
    assert interval(gains_R, 0.2).p == pytest.approx((2 + 1) / 10)  # 0.0 and 0.4
    assert interval(gains_R - 0.4, -0.2).p == pytest.approx((2 + 1) / 10)
    assert interval(np.array([0.2, 0.2]), 0.2).p == pytest.approx(1 / 3)


def test_holms_correction() -> None:
    """Each is multiplied by how many are left; none is smaller than one before it, or larger than 1."""
    assert holm([]) == [] and holm([0.3]) == [0.3]
    assert holm([0.01, 0.04, 0.03, 0.02]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.5, 0.001, 0.9]) == pytest.approx([1.0, 0.003, 1.0])


def test_holms_correction_is_that_of_testing_step_by_step() -> None:
    """An adjusted value is the smallest level at which the comparison is still rejected."""
    found = np.random.default_rng(7).random(6) ** 3
    adjusted = holm(list(found))
    for level in np.linspace(0.001, 0.999, 400):
        rejected = set()
        for rank, place in enumerate(np.argsort(found)):
            if found[place] > level / (len(found) - rank):
                break
            rejected.add(int(place))
        assert rejected == {place for place, value in enumerate(adjusted) if value <= level}


def test_systems_that_answer_alike_are_no_different() -> None:
    outcomes = np.random.default_rng(2).integers(2, size=(50, 1)).repeat(2, axis=1).astype(float)
    found = interval(*gains_of(outcomes, 1000, seed=0))
    assert (found.low, found.high, found.p) == (0, 0, 1)


def test_the_interval_is_that_of_the_normal_approximation() -> None:
    outcomes = np.random.default_rng(4).random((2000, 2)) < [0.8, 0.7]
    gains_R, gain = gains_of(outcomes.astype(float), 10_000, seed=0)
    error = (outcomes.astype(float) @ [1, -1]).std() / np.sqrt(2000)
    found = interval(gains_R, gain)
    assert (found.low, found.high) == pytest.approx((gain - 1.96 * error, gain + 1.96 * error), abs=0.1 * error)
    assert found.p == pytest.approx(2 * NormalDist().cdf(-gain / error), abs=1e-3)


def test_which_resamples_are_drawn_depends_on_seed_and_name_alone() -> None:
    outcomes = np.random.default_rng(5).integers(2, size=(30, 3)).astype(float)
    whole = resampled_scores(means(outcomes), 500, seed=1)
    first = resampled_scores(means(outcomes[:, :1]), 500, seed=1)
    assert (whole[:, :1] == first).all()
    assert (whole != resampled_scores(means(outcomes), 500, seed=2)).any()
    other = Stratum("other", 30, means(outcomes).score)
    assert (whole != resampled_scores(other, 500, seed=1)).any()


def known_truth(generator: np.random.Generator, gain: float) -> Array:
    """Paired answers to 150 texts: half of what either gets right, both do."""
    hard = generator.random((150, 1))
    own = generator.random((150, 2))
    shares = np.array([0.7 + gain, 0.7])
    return np.where(hard < 0.5, own[:, :1] < shares, own < shares).astype(float)


@pytest.mark.parametrize("gain", [0.0, 0.1])
def test_the_interval_covers_the_true_gain_as_often_as_it_says(gain: float) -> None:
    """95 of 100 times, and where there is no gain, the test finds one 5 of 100 times; 400 sets of data."""
    generator = np.random.default_rng(6)
    covered, found_p = [], []
    for seed in range(400):
        outcomes = known_truth(generator, gain)
        found = interval(*gains_of(outcomes, 400, seed))
        covered.append(found.low <= gain <= found.high)
        found_p.append(found.p)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)  # 2.7 standard errors of 400 draws
    if gain:
        assert np.mean(np.array(found_p) < 0.05) > 0.5
    else:
        assert np.mean(np.array(found_p) < 0.05) == pytest.approx(0.05, abs=0.03)
