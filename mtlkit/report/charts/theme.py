"""Colours and type of a report's drawings.

A drawing has the colours of a light page, as a paper wants them. On the page each stands for a variable of style.css,
so that a dark page turns them all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib

INK = "#1b1f24"
"""The colour of text and axes."""
MUTED = "#57606a"
"""The colour of ticks and notes; its contrast to SURFACE is at least 4.5 to 1, as that of INK."""
RULE = "#d0d7de"
"""The colour of grids, which are decoration only."""
SURFACE = "#ffffff"
ACCENT = "#0b5fbd"
"""The colour of strengths: its opacity is the strength, so that the page shows through where there is none."""
OPPOSITE = "#b3400a"
"""The colour of strengths below zero."""
SERIES = ("#0b5fbd", "#b3400a", "#2b7a3d", "#8a3fb3", "#8a6d00", "#c02a6b", "#0f7b7b")
"""Colours of lines and points, with a contrast of at least 4.5 to 1 to SURFACE. More things than colours are told apart
by place and name."""

VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    SURFACE: "--surface",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}
"""The variable of style.css for each colour."""

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searched, read aloud
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a text is a dollar
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "axes.facecolor": "none",
    "lines.linewidth": 1.6,
}


@contextmanager
def themed() -> Iterator[None]:
    """Everything drawn inside has this look, whatever the user's own settings of matplotlib are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield
