"""Intervals over seeds and texts: whether a gain could be due to the choice of test texts, or of the seeds of training.

All runs are scored on the same texts, so that seeds and texts are crossed: a score varies with the texts, with the
seed, and with both together, since another seed gets other texts wrong. The bootstrap over texts, of scores averaged
over the seeds, contains the first and the last. Here the second is added to each of its resamples.

Few seeds cannot be resampled. Of three there are ten resamples, and percentiles of the gain over them cover the truth
far less often than they say. So the variance between seeds is estimated, draws are normal, and all deviations are
divided by one chi-square draw, as in Student's t, with the degrees of freedom of Welch and Satterthwaite.

Shapes: R resamples, S seeds of a system.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy

from mtlkit.comparison.bootstrap import Array, Interval, interval


@dataclass(frozen=True)
class SeedVariance:
    """How much a system's mean over S seeds would vary with other seeds."""

    variance: float
    """Of the mean, beyond what the bootstrap over texts contains: (s^2 - e) / S, at least 0. s^2 is the sample variance
    of the scores, and e the part of it that is due to texts which single seeds get wrong."""
    in_all: float
    """s^2 / S, which is known with S - 1 degrees of freedom."""
    seeds: int

    @classmethod
    def of(cls, found_S: Array, resampled_RS: Array) -> Self:
        """Estimates it from the scores of S > 1 seeds on the texts, and on R resamples of them.

        If scores had no variance but that of single seeds' errors, e, resamples of one seed's score would vary by
        e more than those shared by all seeds, and resamples of the mean by e / S more (analysis of variance of a
        crossed design without replication; Searle, Casella and McCulloch 1992, chapter 4).
        """
        seeds = len(found_S)
        between = float(found_S.var(ddof=1))
        excess = float(resampled_RS.var(axis=0).mean() - resampled_RS.mean(axis=1).var())
        errors = excess * seeds / (seeds - 1)
        return cls(max(0.0, between - errors) / seeds, between / seeds, seeds)


def over_seeds_too(gains_R: Array, gain: float, variances: Sequence[SeedVariance], name: str, seed: int) -> Interval:
    """The 95 % interval and p-value of a gain over seeds and texts.

    It is that of `interval` where seeds vary no more than their errors on single texts explain, and that of Welch's t
    test where texts do not matter.

    Args:
        gains_R: the gain on each resample of the texts, averaged over seeds.
        gain: the gain on the texts themselves.
        variances: those of the system and of the baseline, whose seeds are drawn independently of each other.
        name: what is compared; with `seed`, it determines the draws.
        seed: seed of the draws.
    """
    digest = hashlib.sha256(f"seeds of {name}".encode()).digest()
    generator = numpy.random.default_rng([seed, int.from_bytes(digest[:8])])
    own = [each for each in variances if each.variance > 0]
    draws_R = gains_R - gain
    if own:
        added = sum(each.variance for each in own)
        total = float(gains_R.var()) + added
        # Welch 1947; Satterthwaite 1946: the variance over texts is known far better than that over seeds.
        freedom = total**2 / sum(each.in_all**2 / (each.seeds - 1) for each in own)
        draws_R = draws_R + numpy.sqrt(added) * generator.standard_normal(len(gains_R))
        draws_R = draws_R * numpy.sqrt(freedom / generator.chisquare(freedom, len(gains_R)))
    return replace(interval(gain + draws_R, gain), over="seeds and texts")
