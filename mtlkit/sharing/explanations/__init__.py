"""What a model answered to one text and what was shared on the way, for terminals, notebooks and programs."""

from mtlkit.sharing.explanations.explanation import Explanation
from mtlkit.sharing.explanations.shared import Guess, Mixture, Path, Reading, SharedWith, Step
from mtlkit.sharing.explanations.sheet import Entry, Row, Sheet

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
]
