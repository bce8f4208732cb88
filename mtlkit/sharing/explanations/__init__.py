"""Explanations: a model's answer to one text and what was shared to reach it, for terminals, notebooks and programs."""

from mtlkit.sharing.explanations.explanation import Explanation
from mtlkit.sharing.explanations.shared import Guess, Mixture, PathStep, PathTaken, Reading, SharedWith
from mtlkit.sharing.explanations.sheet import Entry, Sheet, SheetRow

__all__ = [
    "Entry",
    "Explanation",
    "Guess",
    "Mixture",
    "PathStep",
    "PathTaken",
    "Reading",
    "SharedWith",
    "Sheet",
    "SheetRow",
]
