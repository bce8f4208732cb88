"""The paired bootstrap: whether a gain could be due to the choice of test items.

All systems are scored on the same resamples of the items (Koehn 2004; Berg-Kirkpatrick, Burkett and Klein 2012).
Resamples are drawn within each stratum, here a task, so that each has as many items of a task as the data. A score may
be any function of the items, such as F1 over spans. Only items are resampled here, never models; `seeds.py` widens an
interval by what other seeds would change.

Shapes: R resamples, n items of a stratum, K scores of the same items.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy
from numpy.typing import NDArray

Array = NDArray[numpy.float64]
LEVEL = 0.95
Over = Literal["texts", "seeds and texts"]
"""What an interval counts as chance: the choice of test texts, or that of the training runs' seeds as well."""

MAX_DRAWS = 2**22
"""The number of items drawn at once, which bounds the memory for them to 32 MiB."""


@dataclass(frozen=True)
class Stratum:
    """n items that are resampled together, and K scores of each resample."""

    name: str
    size: int
    score: Callable[[Array], Array]
    """Takes how often each item occurs in each resample, (R, n), and returns the scores (R, K)."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval of a gain, and its two-sided p-value under the null hypothesis of no gain."""

    low: float
    high: float
    p: float
    over: Over = "texts"


def resampled_scores(stratum: Stratum, resamples: int, seed: int) -> Array:
    """The scores (R, K) on R resamples of a stratum.

    The resamples depend only on the stratum's name, its size and `seed`, so that all systems are scored on the same.
    """
    digest = hashlib.sha256(stratum.name.encode()).digest()
    generator = numpy.random.default_rng([seed, int.from_bytes(digest[:8])])
    at_once = max(1, MAX_DRAWS // stratum.size)
    sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    return numpy.concatenate([stratum.score(draw(generator, size, stratum.size)) for size in sizes])


def draw(generator: numpy.random.Generator, resamples: int, size: int) -> Array:
    """How often each of n items occurs in each of R resamples with replacement of n items: (R, n)."""
    drawn_Rn = generator.integers(size, size=(resamples, size))
    drawn_Rn += size * numpy.arange(resamples)[:, None]
    counts = numpy.bincount(drawn_Rn.ravel(), minlength=resamples * size)
    return counts.reshape(resamples, size).astype(numpy.float64)


def interval(gains_R: Array, gain: float) -> Interval:
    """The 95 % percentile interval (Efron and Tibshirani 1993, chapter 13) and the two-sided p-value of a gain.

    The p-value is the share of resamples whose gain is at least as far from `gain` as `gain` is from 0: the bootstrap
    distribution is centred on the observed gain, and shifted to 0 it approximates the null hypothesis (Berg-Kirkpatrick
    et al. 2012, section 2, one-sided there). The data themselves count as one more resample, so that the p-value is
    never 0 (Davison and Hinkley 1997, section 4.2).

    Args:
        gains_R: the gain on each resample.
        gain: the gain on the items themselves.
    """
    low, high = numpy.quantile(gains_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    rounding = 1e-12  # equal counts may differ in the last digit
    extreme = numpy.count_nonzero(abs(gains_R - gain) >= abs(gain) - rounding)
    return Interval(float(low), float(high), (extreme + 1) / (len(gains_R) + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for making all of these comparisons (Holm 1979).

    Rejecting where an adjusted value is below 0.05 makes any false rejection among them less likely than 5 %, however
    the comparisons depend on each other. The k-th smallest of m values is multiplied by m - k + 1, and is at least as
    large as the one before it, and at most 1.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
