"""How the sharing changed over training: a discriminator's guesses, what words read, and whose gradients agree."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import TypeAlias

from mtlkit.report.analysis.strengths import alike
from mtlkit.report.charts.over_training import SHARE, SPAN, by_epoch, most_moved, over_training
from mtlkit.report.evidence import Epoch, Evidence, of_kind, summaries_by_epoch
from mtlkit.report.parts import Chart, Part, Section, Table
from mtlkit.report.templating import sentences, titled
from mtlkit.sharing.summaries import GuessSummary, WordSummary

MOST_PAIRS = 16
"""The largest number of pairs of a reader and a sender that are drawn."""
MOST_COSINES = 12
MEAN = "all tasks"

Lines: TypeAlias = Mapping[str, Sequence[float | None]]
Words: TypeAlias = Sequence[tuple[Epoch, Mapping[str, WordSummary]]]


def discriminator_section(evidence: Evidence) -> Section | None:
    """Whether the shared states tell the task that a text is from; None where nobody guesses."""
    guesses = of_kind(evidence.summaries, GuessSummary)
    if not guesses:
        return None
    chance = 1 / max(len(guess.tasks) for guess in guesses.values())
    rows = tuple((task, guess.accuracy, guess.num_texts) for task, guess in guesses.items())
    accuracies = Table(("task", "guessed right", "texts"), rows, "Texts whose likeliest guess is right")
    parts = [*_guesses(evidence.course, chance), accuracies]
    return Section("discriminator", "Discriminator", sentences("discriminator", chance=chance), parts)


def reading_section(evidence: Evidence) -> Section | None:
    """Whom words read, how widely and how far, and how open they are; None where nothing was recorded of words."""
    found = list(summaries_by_epoch(evidence.course, WordSummary))
    if not found:
        return None
    charts = [*_senders(found), *_measures(found)]
    return Section("reading-course", "Reading over training", sentences("reading-course"), charts)


def gradients_section(evidence: Evidence) -> Section | None:
    """Whether tasks pull their shared parameters the same way; None where no epoch has a cosine. The matrix of the last
    one is on the sharing map."""
    epochs = [epoch for epoch in evidence.course if epoch.cosines is not None]
    lines = by_epoch([(f"{one} · {other}", cosine) for one, other, cosine in each.cosine_pairs()] for each in epochs)
    if not lines:
        return None
    columns = [[cosine for *_, cosine in epoch.cosine_pairs()] for epoch in epochs]
    ways: Mapping[str, Callable[[Sequence[float]], float]] = {"largest": max, "mean": fmean, "smallest": min}
    together = {name: [way(numbers) if numbers else None for numbers in columns] for name, way in ways.items()}
    shown, left_out = _extreme(lines)
    draw = partial(over_training, number="cosine", level=("no agreement", 0.0))
    charts = [
        draw(*titled("gradient-cosine-course"), epochs, together, heads="of all pairs"),
        draw(*titled("gradient-cosine-pairs", left_out=left_out), epochs, shown, heads="pair"),
    ]
    return Section("gradients", "Gradients", sentences("gradients"), charts)


def _guesses(course: Sequence[Epoch], chance: float) -> list[Part]:
    """Charts of the accuracy after each epoch: the mean over tasks, and a line for each task."""
    found = list(summaries_by_epoch(course, GuessSummary))
    if not found:
        return []
    epochs = [epoch for epoch, _ in found]
    lines = by_epoch([(task, guess.accuracy) for task, guess in guesses.items()] for _, guesses in found)
    mean = [fmean(guess.accuracy for guess in guesses.values()) for _, guesses in found]
    draw = partial(over_training, number="accuracy", level=("chance", chance), limits=(0, 1.02))
    return [
        draw(*titled("discriminator", chance=chance), epochs, {MEAN: mean}, heads="of"),
        draw(*titled("discriminator-tasks", chance=chance), epochs, lines),
    ]


def _senders(found: Words) -> list[Chart]:
    """A chart of which tasks words read; of many pairs, those whose weight changed most."""
    pairs = by_epoch(
        [
            (f"{task} ← {sender}", weight)
            for task, summary in summaries.items()
            for sender, weight in zip(summary.senders or (), summary.weights_N or (), strict=True)
        ]
        for _, summaries in found
    )
    shown, left_out = most_moved(pairs, MOST_PAIRS)
    epochs = [epoch for epoch, _ in found]
    named = titled("reading-senders", left_out=left_out)
    return [over_training(*named, epochs, shown, number="mean weight", within=SHARE, heads="pair")] if pairs else []


def _measures(found: Words) -> Iterator[Chart]:
    """Charts with a line for each task; of those numbers only that some task has."""
    epochs = [epoch for epoch, _ in found]
    for number in ("spread", "distance", "gate"):
        lines = by_epoch([(task, getattr(summary, number)) for task, summary in each.items()] for _, each in found)
        # A distance is not a share: it is counted in words, and has no upper end.
        span, within = (1.0, (0.0, math.inf)) if number == "distance" else (SPAN, SHARE)
        if any(value is not None for line in lines.values() for value in line):
            named = titled(f"reading-{number}", alike=alike(found[-1][1]))
            yield over_training(*named, epochs, lines, number=number, span=span, within=within)


def _extreme(lines: Lines) -> tuple[Lines, str]:
    """Of many pairs those that agree most and those that agree least at the end, half of each, and a sentence for the
    caption if any are left out."""
    ranked = sorted(lines, key=lambda pair: -next(number for number in reversed(lines[pair]) if number is not None))
    if len(ranked) <= MOST_COSINES:
        return {pair: lines[pair] for pair in ranked}, ""
    half = MOST_COSINES // 2
    left_out = f" The {half} that agree most and the {half} that agree least at the end, of {len(ranked)}."
    return {pair: lines[pair] for pair in (*ranked[:half], *ranked[-half:])}, left_out
