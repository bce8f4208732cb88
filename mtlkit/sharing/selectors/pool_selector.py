"""The interface of pool selectors, and the values that they return.

Shapes: N sampled paths, S steps of a path or size of an embedding, A actions: a number for each module,
and Stop as the last one.
"""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from mtlkit.config import Component

ModulePath = tuple[int, ...]
"""The numbers of modules, from 0, in the order in which a text goes through them. A module may occur twice."""


@dataclass(frozen=True)
class Paths:
    """N paths of one task, with their probabilities."""

    modules: list[ModulePath]
    """The paths, without Stop."""
    log_probs_N: Tensor
    """The log-probability of each path under the selector's own policy. Its gradient trains the selector; a selector
    that learns nothing gives values without gradient."""
    entropies_N: Tensor
    """The sum of the policy's entropies over the steps of each path, in nats."""
    ratios_N: Tensor
    """Importance weights: policy / distribution that each path was drawn from. They have no gradient, and are 1 where
    nothing is corrected."""


class PoolSelector(nn.Module, Component, offers=("num_modules", "max_length", "tasks")):
    """Chooses a path through a pool of modules for each task (Chen et al. 2018).

    Run-time values of the constructor: `num_modules`, the size of the pool; `max_length`, the most modules on a path;
    `tasks`, the names of the tasks. All random numbers come from PyTorch's global generator, whose state is in
    checkpoints.
    """

    @abstractmethod
    def sample(self, task: str, num_samples: int) -> Paths:
        """Draws N independent paths to train on. In evaluation mode there is no exploration."""

    @abstractmethod
    def best(self, task: str) -> ModulePath:
        """The path for evaluating the task. It does not change until the selector is trained."""

    def policy(self, task: str, path: ModulePath) -> Tensor | None:
        """The probability of each action at each step of a path, (S, A), under the policy of `Paths.log_probs_N`.

        A path shorter than `max_length` has one step more than modules, its Stop. Default: None, for selectors without
        a policy, such as those whose paths are given.
        """
        return None

    def embedding(self, task: str) -> Tensor | None:
        """The vector (S,) that the selector has learned for the task, so that tasks can be compared. Default: None."""
        return None
