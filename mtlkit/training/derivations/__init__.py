"""Derivations: from a search to one path per task."""

from mtlkit.training.derivations.best_of_samples import BestOfSamples
from mtlkit.training.derivations.greedy import Greedy
from mtlkit.training.derivations.path_derivation import PathDerivation

__all__ = ["PathDerivation", "Greedy", "BestOfSamples"]
