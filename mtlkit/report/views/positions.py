"""Where words read a network of positions: each text twice, with lines between (Liu et al. 2019, Figure 4).

Shapes: T words, N = T positions.
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from mtlkit.report.charts.theme import ACCENT, INK, MUTED
from mtlkit.report.evidence import Evidence, ReadText
from mtlkit.report.parts import Section
from mtlkit.report.templating import sentences
from mtlkit.report.views import texts
from mtlkit.sharing.explanations.shared import Matrix
from mtlkit.text import visible

LINES = 8
"""The number of lines from each word, to the positions that it reads most."""
BOLD = 0.2
"""The smallest weight that may be drawn as the boldest line."""
SHARP = 0.1
"""The smallest concentration that may be drawn as the darkest word."""
LEAST = 0.01
"""The smallest weight that is drawn and listed."""


def section(evidence: Evidence) -> Section | None:
    """Texts with the positions that their words read."""
    by_task = texts.shown_texts(evidence, of_tasks=False)
    if not by_task:
        return None
    rows = texts.all_rows(by_task)
    heaviest = max(BOLD, *(weight for row in rows for weight in row))
    sharpest = max(SHARP, *map(texts.concentration, rows))
    shown = partial(_way, sharpest=sharpest)
    read, label = (
        ("their task's mailbox", "mailbox") if evidence.has_own_mailboxes else ("the shared network", "shared")
    )
    draw = partial(_draw, heaviest, label)
    view = texts.texts_view("positions", by_task, shown, draw, heaviest=heaviest, read=read, label=label)
    said = sentences("positions", lines=LINES, heaviest=heaviest, label=label)
    shown_as = Section("positions", "What words read of the shared network", said, [view])
    return replace(shown_as, title=f"What words read of {read}") if evidence.has_own_mailboxes else shown_as


def _way(text: ReadText, way: Matrix, sharpest: float) -> dict[str, Any]:
    words = text.reading.words
    received = [sum(column) for column in zip(*way, strict=True)]
    largest = texts.largest(weight for row in way for weight in row)
    return {
        "own": [
            {
                "text": word,
                "tip": texts.tip_of(text, place),
                "shade": texts.shade(texts.concentration(row), sharpest),
                "reads": " ".join(f"{source}:{1000 * row[source]:.0f}" for source in _drawn(row)),
                "most": ", ".join(f"{words[at]} ({at + 1}) {row[at]:.2f}" for at in texts.strongest(row)),
            }
            for place, (word, row) in enumerate(zip(words, way, strict=True))
        ],
        # Darker where all words together took more of a position.
        "shared": [
            {"text": word, "reads": f"{taken:.1f}", "shade": texts.shade(taken, texts.largest(received))}
            for word, taken in zip(words, received, strict=True)
        ],
        "chosen": max(range(len(words)), key=lambda place: texts.concentration(way[place])),
        "largest": largest,
        "picture": picture_of(np.array(way) / largest),
    }


def picture_of(matrix_TN: ArrayLike) -> str:
    """A `data:` address of a PNG of N by T pixels, black, as opaque as the numbers say, from 0 to 1."""
    opacity_TN = np.round(255 * np.clip(matrix_TN, 0, 1))
    picture = Image.fromarray(np.stack([np.zeros_like(opacity_TN), opacity_TN], axis=2).astype(np.uint8))
    content = io.BytesIO()
    picture.save(content, "png", optimize=True)
    return f"data:image/png;base64,{b64encode(content.getvalue()).decode()}"


def _drawn(row: Sequence[float]) -> list[int]:
    return [source for source in texts.strongest(row, LINES) if row[source] >= LEAST]


def _draw(heaviest: float, label: str, text: ReadText, figure: Figure) -> None:
    words, way = list(map(visible, text.reading.words)), text.reading.left_to_right
    axes = figure.add_subplot()
    for place, row in enumerate(way):
        for source in _drawn(row):
            strength = row[source] / heaviest
            axes.plot([0, 1], [place, source], color=ACCENT, alpha=strength, linewidth=0.3 + 2.2 * strength)
    for side, align, title in ((-0.03, "right", "own"), (1.03, "left", label)):
        axes.text(side, -1.2, title, ha=align, va="center", color=MUTED)
        for place, word in enumerate(words):
            axes.text(side, place, word, ha=align, va="center", color=INK, size=8)
    axes.set_xlim(-0.9, 1.9)
    axes.set_ylim(len(words) - 0.5, -1.7)
    axes.set_axis_off()
