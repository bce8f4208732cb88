"""What a model answered to one text and what was shared on the way, for terminals, notebooks and programs."""

from mtlkit.sharing.explanations.explanation import Explanation
from mtlkit.sharing.explanations.shared import Guess, Mixture, PathStep, PathTaken, Reading, SharedWith
from mtlkit.sharing.explanations.sheet import Entry, Sheet, SheetRow

__all__ = [
    "Entry",
    "Explanation",
    "Guess",
    "Mixture",
    "PathTaken",
    "Reading",
    "SheetRow",
    "SharedWith",
    "Sheet",
    "PathStep",
]
