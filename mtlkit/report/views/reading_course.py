"""The section on how words' reading changed over training: whom they read, how widely and how far, and how open."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from mtlkit.report.analysis.strengths import alike
from mtlkit.report.charts.over_training import SHARE, SPAN, most_moved, over_training
from mtlkit.report.evidence import Epoch, Evidence, summaries_by_epoch
from mtlkit.report.parts import Chart, Section
from mtlkit.sharing.summaries import WordSummary

MOST_PAIRS = 16

Found: TypeAlias = Sequence[tuple[Epoch, Mapping[str, WordSummary]]]


def section(evidence: Evidence) -> Section | None:
    """None where nothing was recorded of words."""
    found: Found = list(summaries_by_epoch(evidence.course, WordSummary))
    if not found:
        return None
    lead = (
        "What words took of others after each epoch, on average over the texts that were recorded. Numbers that still "
        "move in the last epochs say that training was stopped before the sharing had settled."
    )
    charts = [_senders(found), *(_measure(found, *measure) for measure in MEASURES)]
    return Section("reading-course", "Reading over training", lead, [chart for chart in charts if chart is not None])


def _senders(found: Found) -> Chart | None:
    """From which tasks; of many pairs, those whose weight changed most."""
    pairs: dict[str, list[float | None]] = {}
    for place, (_, summaries) in enumerate(found):
        for task, summary in summaries.items():
            for sender, weight in zip(summary.senders or (), summary.weights_N or (), strict=True):
                pairs.setdefault(f"{task} ← {sender}", [None] * len(found))[place] = weight
    if not pairs:
        return None
    shown, left_out = most_moved(pairs, MOST_PAIRS)
    return over_training(
        "reading-senders",
        "Whom the words read, over training",
        f"What a word of one task takes of another, on average, after each epoch.{left_out}",
        [epoch for epoch, _ in found],
        shown,
        number="mean weight",
        within=SHARE,
        heads="pair",
    )


def _measure(
    found: Found, of: Callable[[WordSummary], float | None], name: str, title: str, caption: str, span: float
) -> Chart | None:
    """A line for each task; None where no task has this number."""
    tasks = dict.fromkeys(task for _, summaries in found for task in summaries)
    lines = {task: [of(summaries[task]) if task in summaries else None for _, summaries in found] for task in tasks}
    if all(number is None for line in lines.values() for number in line):
        return None
    if name == "spread":
        caption += alike(found[-1][1])
    epochs = [epoch for epoch, _ in found]
    within = SHARE if span == SPAN else (0.0, math.inf)
    return over_training(f"reading-{name}", title, caption, epochs, lines, number=name, span=span, within=within)


MEASURES: Sequence[tuple[Callable[[WordSummary], float | None], str, str, str, float]] = (
    (
        lambda summary: summary.spread,
        "spread",
        "How widely a word reads",
        "Entropy of a word's weights, as a share of the largest there can be: 0 reads one source, 1 all alike.",
        SPAN,
    ),
    (
        lambda summary: summary.distance,
        "distance",
        "How far a word reads",
        "From a word to the positions that it reads, in words, on average.",
        1.0,
    ),
    (
        lambda summary: summary.gate,
        "gate",
        "How far words open to what they read",
        "The mean over words of the gate through which the message passes, from 0 to 1.",
        SPAN,
    ),
)
