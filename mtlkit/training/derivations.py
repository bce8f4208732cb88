"""Path derivation: from a finished search to one path for each task."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, final

from mtlkit.config import Component
from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.types import PositiveInt

Score = Callable[[str, ModulePath], float]
"""The headline metric of a task on its dev data along a path; higher is better."""


class PathDerivation(Component):
    """Decides which path each task keeps after a search (Chen et al. 2018: "sequence of the biggest probability")."""

    needs_dev: ClassVar[bool] = False
    """Whether the derivation scores paths, so that every task must have dev data."""

    @abstractmethod
    def derive(self, scheme: SearchableScheme, task: str, score: Score) -> ModulePath:
        """Returns the path that the task keeps.

        Args:
            scheme: with the weights that the search has ended with, in evaluation mode.
            task: whose path it is.
            score: scores a path of the task.
        """


@final
@PathDerivation.register("greedy")
class Greedy(PathDerivation):
    """The path that the search evaluates the task with; a controller's likeliest action at each step, as printed."""

    def derive(self, scheme: SearchableScheme, task: str, score: Score) -> ModulePath:
        return scheme.best(task)


@final
@PathDerivation.register("best_of_samples")
class BestOfSamples(PathDerivation):
    """The best on dev data of the task's greedy path and some sampled ones, as ENAS does it (Pham et al. 2018).

    Nothing is explored: samples follow the policy alone. Of equal scores the earlier path counts, the greedy one
    first.

    num_samples: paths drawn for each task; each different one is scored once.
    """

    needs_dev = True

    def __init__(self, num_samples: PositiveInt = 10) -> None:
        self.num_samples = num_samples

    def derive(self, scheme: SearchableScheme, task: str, score: Score) -> ModulePath:
        candidates = dict.fromkeys([scheme.best(task), *scheme.sample(task, self.num_samples).modules])
        return max(candidates, key=lambda path: score(task, path))
