"""The interface of task samplers."""

from abc import abstractmethod
from collections.abc import Mapping

import torch

from mtlkit.config import Component


class TaskSampler(Component):
    """Orders the tasks. Liu et al. 2019 leave the law p(tau) of their Algorithm 1 open; each sampler is one.

    A sampler decides whose turn it is, not which instances come: within a task every instance is seen once per pass,
    and a pass that ends begins anew.
    """

    @abstractmethod
    def plan(
        self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: torch.Generator
    ) -> list[str]:
        """The tasks of one epoch's batches, in order; its length is the number of batches that are run, and the same in
        every epoch, since schedules count on it.

        Args:
            num_batches: batches in one pass over each task.
            epoch: from 0.
            num_epochs: planned epochs.
            generator: the only source of randomness; seeded by the run's seed and the epoch.
        """


def draw(weights: Mapping[str, float], count: int, generator: torch.Generator) -> list[str]:
    """`count` independent draws of a task, in proportion to `weights`."""
    tasks = list(weights)
    probabilities = torch.tensor([weights[task] for task in tasks], dtype=torch.float64)
    chosen = torch.multinomial(probabilities, count, replacement=True, generator=generator)
    return [tasks[index] for index in chosen.tolist()]
