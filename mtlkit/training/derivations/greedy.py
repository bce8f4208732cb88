"""The likeliest path."""

from typing import final

from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.training.derivations.path_derivation import PathDerivation, Score


@final
@PathDerivation.register("greedy")
class Greedy(PathDerivation):
    """The path that the search evaluates the task with; a controller's likeliest action at each step, as printed."""

    def derive(self, scheme: SearchableScheme, task: str, score: Score) -> ModulePath:
        return scheme.best(task)
