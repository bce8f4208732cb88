"""Colours and type of a report's drawings.

A drawing has the colours of a light page, as a paper wants them. On the page each stands for a variable of style.css,
so that a dark page turns them all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib

INK = "#1b1f24"
"""Text and axes."""
MUTED = "#57606a"
"""Ticks and notes; 4.5 to 1 or more on SURFACE, as INK."""
RULE = "#d0d7de"
"""Grids; decoration only."""
SURFACE = "#ffffff"
ACCENT = "#0b5fbd"
"""Strengths: its opacity is the strength, so that the page shines through where there is none."""
OPPOSITE = "#b3400a"
"""Strengths below zero."""
SERIES = ("#0b5fbd", "#b3400a", "#2b7a3d", "#8a3fb3", "#8a6d00", "#c02a6b", "#0f7b7b")
"""Of lines and points, at least 4.5 to 1 on SURFACE. With more things than that, tell them apart by place and name."""

VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    SURFACE: "--surface",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}
"""Of style.css, by colour."""

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
    "axes.grid": False,
    "grid.color": RULE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "figure.facecolor": SURFACE,
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.6,
}


@contextmanager
def themed() -> Iterator[None]:
    """Everything drawn inside has this look, whatever the user's own settings of matplotlib are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield
