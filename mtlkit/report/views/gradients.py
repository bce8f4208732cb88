"""The section on gradients: whether tasks pull their shared parameters the same way."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from mtlkit.report.charts.over_training import over_training
from mtlkit.report.evidence import Epoch, Evidence
from mtlkit.report.parts import Chart, Section

MOST_PAIRS = 12


def section(evidence: Evidence) -> Section | None:
    """None where no epoch has a cosine; the matrix of the last one is on the sharing map."""
    epochs = [epoch for epoch in evidence.course if epoch.cosines is not None]
    lines = _pairs(epochs)
    if not lines:
        return None
    lead = (
        "The cosine of two tasks' gradients on the parameters that they share, measured after each epoch on one fixed "
        "batch of each. Above zero a step for one task helps the other, below zero it harms it, as far as one small "
        "step goes. "
        "The last epoch's numbers for all pairs are on the sharing map."
    )
    mean = over_training(
        "gradient-cosine-course",
        "Agreement of gradients over training",
        "The mean, the largest and the smallest cosine over all pairs of tasks, after each epoch.",
        epochs,
        {
            name: [of(numbers) if numbers else None for numbers in _by_epoch(lines)]
            for name, of in (("largest", max), ("mean", fmean), ("smallest", min))
        },
        number="cosine",
        heads="of all pairs",
        level=("no agreement", 0.0),
    )
    return Section("gradients", "Gradients", lead, [mean, _extreme(epochs, lines)])


def _extreme(epochs: Sequence[Epoch], lines: Mapping[str, Sequence[float | None]]) -> Chart:
    """Of many pairs those that agree most and those that agree least at the end, half of each."""
    ranked = sorted(lines, key=lambda pair: -_last(lines[pair]))
    half = MOST_PAIRS // 2
    shown = ranked if len(ranked) <= MOST_PAIRS else [*ranked[:half], *ranked[-half:]]
    left_out = f" The {half} that agree most and the {half} that agree least at the end, of {len(ranked)}."
    return over_training(
        "gradient-cosine-pairs",
        "Agreement of gradients, by pair",
        "The cosine of two tasks' gradients after each epoch." + (left_out if shown is not ranked else ""),
        epochs,
        {pair: lines[pair] for pair in shown},
        number="cosine",
        heads="pair",
        level=("no agreement", 0.0),
    )


def _pairs(epochs: Sequence[Epoch]) -> dict[str, list[float | None]]:
    """A line for each pair of tasks that ever has a cosine."""
    lines: dict[str, list[float | None]] = {}
    for place, epoch in enumerate(epochs):
        if epoch.cosines is not None:
            for one, other, cosine in epoch.cosine_pairs():
                lines.setdefault(f"{one} · {other}", [None] * len(epochs))[place] = cosine
    return lines


def _by_epoch(lines: Mapping[str, Sequence[float | None]]) -> list[list[float]]:
    return [[number for number in column if number is not None] for column in zip(*lines.values(), strict=True)]


def _last(line: Sequence[float | None]) -> float:
    return next(number for number in reversed(line) if number is not None)
