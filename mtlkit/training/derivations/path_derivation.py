"""The interface of derivations."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from mtlkit.config import Component
from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath

Score = Callable[[str, ModulePath], float]
"""The headline metric of a task on its dev data along a path; higher is better."""


class PathDerivation(Component):
    """Which path each task keeps when a search is over (Chen et al. 2018: "sequence of the biggest probability")."""

    needs_dev: ClassVar[bool] = False
    """Whether it scores paths, so that every task must have dev data."""

    @abstractmethod
    def derive(self, scheme: SearchableScheme, task: str, score: Score) -> ModulePath:
        """The task's path.

        Args:
            scheme: with the weights that the search has ended with, in evaluation mode.
            task: whose path it is.
            score: scores a path of the task.
        """
