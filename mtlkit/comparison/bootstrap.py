"""The paired bootstrap: how far a gain is from chance, had other test items been drawn.

Systems are scored on the same resamples of the items (Koehn 2004; Berg-Kirkpatrick, Burkett and Klein 2012), which are
drawn within each stratum, here a task, so that every resample has as many items of each as the data. A score may be
any function of the items, such as F1 over spans. What is resampled is items: the models are as they are, and what other
seeds would have made of them is for the spread over seeds to tell.

Shapes: R resamples, n items of a stratum, K scores of the same items.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

Array = NDArray[numpy.float64]
LEVEL = 0.95
MAX_DRAWS = 2**22
"""So many items are drawn at once: 32 MiB."""


@dataclass(frozen=True)
class Stratum:
    """n items, and K scores of every resample of them."""

    name: str
    size: int
    score: Callable[[Array], Array]
    """From how often each item stands in each resample, (R, n), to the scores (R, K)."""


@dataclass(frozen=True)
class Interval:
    """Where a gain lies, and how likely one so far from 0 is where there is none."""

    low: float
    high: float
    p: float


def resampled_scores(stratum: Stratum, resamples: int, seed: int) -> Array:
    """The scores (R, K) of resamples of a stratum; which ones depends on its name, its size and `seed` alone."""
    digest = hashlib.sha256(stratum.name.encode()).digest()
    generator = numpy.random.default_rng([seed, int.from_bytes(digest[:8])])
    at_once = max(1, MAX_DRAWS // stratum.size)
    sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    return numpy.concatenate([stratum.score(draw(generator, size, stratum.size)) for size in sizes])


def draw(generator: numpy.random.Generator, resamples: int, size: int) -> Array:
    """How often each of n items stands in each of R resamples of n, (R, n)."""
    drawn_Rn = generator.integers(size, size=(resamples, size))
    drawn_Rn += size * numpy.arange(resamples)[:, None]
    counts = numpy.bincount(drawn_Rn.ravel(), minlength=resamples * size)
    return counts.reshape(resamples, size).astype(numpy.float64)


def interval(gains_R: Array, gain: float) -> Interval:
    """The 95 % percentile interval (Efron and Tibshirani 1993, chapter 13) and the two-sided p-value.

    Args:
        gains_R: the gain on each resample.
        gain: on the items themselves.

    The p-value is the share of resamples whose gain is as far from `gain` as that is from 0: the bootstrap is centred
    on the gain that was found, and shifted to 0 it stands for the null hypothesis (Berg-Kirkpatrick et al. 2012,
    section 2, there one-sided). The data count as one more resample, so that it is never 0 (Davison and Hinkley 1997,
    section 4.2).
    """
    low, high = numpy.quantile(gains_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    rounding = 1e-12  # equal counts may differ in the last digit
    extreme = numpy.count_nonzero(abs(gains_R - gain) >= abs(gain) - rounding)
    return Interval(float(low), float(high), (extreme + 1) / (len(gains_R) + 1))
