"""What a model answered to one text and what was shared on the way, for terminals, notebooks and programs."""

from mtlkit.explanations.explanation import Explanation
from mtlkit.explanations.shared import Guess, Mixture, Path, Reading, SharedWith, Step
from mtlkit.explanations.sheet import Entry, Row, Sheet
from mtlkit.explanations.visible import visible

__all__ = [
    "Entry",
    "Explanation",
    "Guess",
    "Mixture",
    "Path",
    "Reading",
    "Row",
    "SharedWith",
    "Sheet",
    "Step",
    "visible",
]
