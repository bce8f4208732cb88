"""Intervals of gains from kept figures alone, of runs whose answers to single texts are not kept.

Each test set that is independent of the others, such as a domain of FDU-MTL, is one draw: how a gain differs between
test sets shows how much it depends on the texts, and contains both systems' errors on the same texts. It also contains
that a system may truly gain more in one domain than in another. So an interval is too wide rather than too narrow for
the tasks at hand; it is right for further tasks of their kind. That of `mtlkit compare`, from answers, is sharper.

Seeds and test sets are crossed, as in `mtlkit.comparison.seeds`, and variances are added up likewise: between test
sets, plus what seeds vary by beyond what single test sets explain. The interval is Student's, with the degrees of
freedom of Welch and Satterthwaite.

Shapes: S seeds of a system, U test sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[numpy.float64]
LEVEL = 0.95


@dataclass(frozen=True)
class Seeds:
    """What the scores of a system, or of several taken together, say about the influence of seeds."""

    between: float
    """The sample variance of the mean over test sets."""
    errors: float
    """The part of it that single test sets explain."""
    freedom: int

    @classmethod
    def of(cls, scores_SU: Array) -> Self | None:
        """The spread of one system between seeds; None for a single seed."""
        seeds, sets = scores_SU.shape
        if seeds < 2:
            return None
        means_S1, means_U = scores_SU.mean(axis=1, keepdims=True), scores_SU.mean(axis=0)
        rest_SU = scores_SU - means_S1 - means_U + scores_SU.mean()
        errors = float((rest_SU**2).sum()) / ((seeds - 1) * (sets - 1) * sets)
        return cls(float(means_S1.var(ddof=1)), errors, seeds - 1)

    @classmethod
    def pooled(cls, systems: Sequence[Array]) -> Self | None:
        """The spread of all systems with several seeds, as if seeds had the same influence on each, or None."""
        found = [each for each in map(cls.of, systems) if each is not None]
        freedom = sum(each.freedom for each in found)
        if not freedom:
            return None
        return cls(
            sum(each.freedom * each.between for each in found) / freedom,
            sum(each.freedom * each.errors for each in found) / freedom,
            freedom,
        )

    @property
    def excess(self) -> float:
        """What seeds vary by beyond what single test sets explain."""
        return max(0.0, self.between - self.errors)


@dataclass(frozen=True)
class Gain:
    """A difference of means, with its 95 % interval and two-sided p-value."""

    gain: float
    low: float
    high: float
    p: float

    @classmethod
    def student(cls, gain: float, variance: float, freedom: float) -> Self:
        """The interval by Student's distribution."""
        error = variance**0.5
        half = error * float(stats.t.ppf((1 + LEVEL) / 2, freedom))
        p = 1.0 if gain == 0 else 2 * float(stats.t.sf(abs(gain) / error, freedom)) if error else 0.0
        return cls(gain, gain - half, gain + half, p)


def gain_over_test_sets(system_SU: Array, baseline_SU: Array, others: Seeds | None = None) -> Gain:
    """The gain of a system over a baseline on the same U > 1 test sets, with an interval over seeds and test sets.

    Args:
        system_SU: the system's scores.
        baseline_SU: the baseline's scores, with as many seeds or others.
        others: what is taken for a side with a single seed. Where it is None too, the interval is about this seed.
    """
    gains_U = system_SU.mean(axis=0) - baseline_SU.mean(axis=0)
    sets = len(gains_U)
    total = float(gains_U.var(ddof=1)) / sets
    known = [(total, sets - 1)]
    for scores_SU in (system_SU, baseline_SU):
        seeds = Seeds.of(scores_SU) or others
        if seeds is not None and seeds.excess > 0:
            total += seeds.excess / len(scores_SU)
            known.append((seeds.between / len(scores_SU), seeds.freedom))
    uncertainty = sum(variance**2 / freedom for variance, freedom in known)
    return Gain.student(float(gains_U.mean()), total, total**2 / uncertainty if uncertainty else sets - 1)
