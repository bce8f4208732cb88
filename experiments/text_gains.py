"""Intervals of gains over texts, of kept results: from what is kept of their answers, or from a page of gains.

Shapes: R resamples, n texts, K runs, C counts.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy

from mtlkit.comparison.bootstrap import Array, Stratum, interval, resampled_scores
from mtlkit.comparison.seeds import SeedVariance, over_seeds_too
from mtlkit.runs.documents import read_object

RESULTS = Path(__file__).parent.parent / "docs" / "results"
sys.path.insert(0, str(RESULTS))  # a script beside its results, in no package
from kept_answers import CountedAnswers, answers_of  # noqa: E402
from kept_gains import Gain  # noqa: E402

RESAMPLES = 10_000
GAIN = re.compile(r"([+-][\d.]+) \[([+-][\d.]+), ([+-][\d.]+)\]")


def gain_from_answers(
    system: Sequence[Path], baseline: Sequence[Path], metrics: Mapping[str, str], *, clean: bool
) -> tuple[Gain, bool] | None:
    """The gain with the interval that `mtlkit compare` would give, and whether it is over seeds too.

    Args:
        system: the kept results of a system's seeds.
        baseline: those of the baseline.
        metrics: by task, what is averaged.
        clean: whether on clean texts only.

    Returns:
        None where a run has kept no answers, or the runs answered different texts.
    """
    kept = [(file, read_object(file).get("answers", {})) for file in (*system, *baseline)]
    found, resampled = [], []
    for task, score in metrics.items():
        runs = [answers_of(file, answers, task, score) for file, answers in kept]
        known = [run for run in runs if run is not None]
        if len(known) < len(runs) or not _are_paired(known):
            return None
        stratum = _stratum(task, known, score, clean)
        found.append(stratum.score(numpy.ones((1, stratum.size)))[0])
        resampled.append(resampled_scores(stratum, RESAMPLES, 0))
    found_K, scores_RK = numpy.mean(found, axis=0), numpy.mean(resampled, axis=0)
    sides = slice(0, len(system)), slice(len(system), None)
    gains_R = scores_RK[:, sides[0]].mean(axis=1) - scores_RK[:, sides[1]].mean(axis=1)
    gain = fmean(found_K[sides[0]]) - fmean(found_K[sides[1]])
    over_seeds = min(len(system), len(baseline)) > 1
    if over_seeds:
        variances = [SeedVariance.of(found_K[side], scores_RK[:, side]) for side in sides]
        ends = over_seeds_too(gains_R, gain, variances, "average", 0)
    else:
        ends = interval(gains_R, gain)
    return Gain(gain, ends.low, ends.high, ends.p), over_seeds


def _are_paired(runs: Sequence[CountedAnswers]) -> bool:
    first = runs[0]
    return all(run.texts == first.texts and (run.clean == first.clean).all() for run in runs)


def _stratum(task: str, runs: Sequence[CountedAnswers], score: str, clean: bool) -> Stratum:
    of_run = [run.counts_nC[run.clean] if clean else run.counts_nC for run in runs]
    size = len(of_run[0])

    def scored(times_Rn: Array) -> Array:
        return numpy.stack(
            [run.metric.scores((times_Rn @ counts_nC).T)[score] for run, counts_nC in zip(runs, of_run, strict=True)],
            axis=1,
        )

    return Stratum(task, size, scored)


def gains_of_page(page: Path) -> dict[tuple[str, str], tuple[Gain, Gain]]:
    """The average gains on a page that `run_tables.py --gains-over` wrote, on all texts and on clean ones.

    Such a page was made where the answers were; they need not be kept. Its intervals are over texts alone.

    Returns:
        By system and baseline. p-values that are printed as `< 0.001` are 0.001.
    """
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("| system |"))
    header, found = _cells(lines[start]), {}
    places = [place for place, name in enumerate(header) if name.startswith("gain over ")]
    for line in lines[start + 2 : lines.index("", start)]:
        cells = _cells(line)
        if all(GAIN.fullmatch(cells[place]) for place in places):
            one, other = (_gain(cells[place], cells[place + 1]) for place in (places[0], places[-1]))
            found[cells[0], header[places[0]].removeprefix("gain over ")] = (one, other)
    return found


def _cells(line: str) -> list[str]:
    return [unescape(re.sub(r"\\(.)", r"\1", cell)).strip() for cell in line.strip("|").split(" | ")]


def _gain(cell: str, p: str) -> Gain:
    match: Any = GAIN.fullmatch(cell)
    gain, low, high = (float(number) / 100 for number in match.groups())
    return Gain(gain, low, high, float(p.removeprefix("< ")))
