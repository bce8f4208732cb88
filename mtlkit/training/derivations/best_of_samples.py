"""The best of several paths."""

from typing import final

from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.training.derivations.path_derivation import PathDerivation, Score
from mtlkit.types import PositiveInt


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
