"""The interface of pool selectors, and what they give.

Shapes: N sampled paths, S steps of a path or size of an embedding, A actions: a number for each module,
and Stop as the last one.
"""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from mtlkit.config import Component

ModulePath = tuple[int, ...]
"""Numbers of modules, from 0, in the order in which a text goes through them. One may occur more than once."""


@dataclass(frozen=True)
class Paths:
    """N paths of one task, and how likely they are."""

    modules: list[ModulePath]
    log_probs_N: Tensor
    """Log-probability of each under the selector's own policy. Its gradient trains the selector; without one there is
    nothing to train."""
    entropies_N: Tensor
    """Sum of the policy's entropies at the steps of each, in nats."""
    ratios_N: Tensor
    """What each path's gradient is to be multiplied with because another law than the policy has drawn it; a constant,
    1 where nothing is corrected."""


class PoolSelector(nn.Module, Component, offers=("num_modules", "max_length", "tasks")):
    """Chooses paths through a pool of modules, for each task its own (Chen et al. 2018).

    Given at build: `num_modules`, the modules of the pool; `max_length`, the most steps of a path; `tasks`, names.
    Whatever is random is drawn from PyTorch's global generator, whose state checkpoints hold.
    """

    @abstractmethod
    def sample(self, task: str, num_samples: int) -> Paths:
        """N paths to train on, independent of each other. In evaluation mode nothing is explored."""

    @abstractmethod
    def best(self, task: str) -> ModulePath:
        """The path that the task is evaluated with; the same until the selector is trained."""

    def policy(self, task: str, path: ModulePath) -> Tensor | None:
        """(S, A) how likely each action was at each step of a path, under the policy that `Paths.log_probs_N` is about.

        A path shorter than `max_length` has a step more than it has modules, its Stop. Default: None, there is no
        policy to speak of, as where paths are given.
        """
        return None

    def embedding(self, task: str) -> Tensor | None:
        """(S) what the selector knows the task by, so that tasks can be compared. Default: None, there is nothing."""
        return None
