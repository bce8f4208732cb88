"""Task samplers: which task each batch of an epoch belongs to."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import final

import torch

from mtlkit.config import Component
from mtlkit.types import Fraction


class TaskSampler(Component):
    """Orders the tasks. Liu et al. 2019 leave the law p(tau) of their Algorithm 1 open; each sampler is one.

    A sampler chooses the task of each batch, not its instances: within a task every instance is seen once per pass, and
    the end of a pass is followed by another pass.
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


@final
@TaskSampler.register("round_robin")
class RoundRobinSampler(TaskSampler):
    """One batch of each task in turn, tasks in a new order each round. An epoch is one pass over every task: a task
    that has been seen whole leaves the rounds, so each instance is seen exactly once per epoch."""

    def plan(
        self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: torch.Generator
    ) -> list[str]:
        del epoch, num_epochs
        plan: list[str] = []
        for turn in range(max(num_batches.values())):
            tasks = [task for task, batches in num_batches.items() if turn < batches]
            plan += [tasks[index] for index in torch.randperm(len(tasks), generator=generator).tolist()]
        return plan


@final
@TaskSampler.register("proportional")
class ProportionalSampler(TaskSampler):
    """Each batch is of a task drawn in proportion to what is left of it, so that an epoch is exactly one pass over
    every task (a shuffle of all batches)."""

    def plan(
        self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: torch.Generator
    ) -> list[str]:
        del epoch, num_epochs
        batches = [task for task, count in num_batches.items() for _ in range(count)]
        return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]


@final
@TaskSampler.register("uniform")
class UniformSampler(TaskSampler):
    """Each batch is of a task drawn uniformly, whatever its size. An epoch has as many batches as one pass over all
    tasks together; small tasks are seen more than once in it, large ones in part."""

    def plan(
        self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: torch.Generator
    ) -> list[str]:
        del epoch, num_epochs
        return draw(dict.fromkeys(num_batches, 1.0), sum(num_batches.values()), generator)


@final
@TaskSampler.register("annealed")
class AnnealedSampler(TaskSampler):
    """Draws tasks with probability proportional to size ** alpha, alpha = 1 - anneal * e / (E - 1) in epoch e of E
    (annealed sampling; Stickland and Murray 2019, with anneal 0.8): by size at first, nearly uniform at last. An epoch
    has as many batches as one pass over all tasks together.

    Args:
        anneal: how far alpha falls below 1 by the last epoch.
    """

    def __init__(self, anneal: Fraction = 0.8) -> None:
        self.anneal = anneal

    def plan(
        self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: torch.Generator
    ) -> list[str]:
        alpha = 1 - self.anneal * epoch / max(1, num_epochs - 1)
        weights = {task: count**alpha for task, count in num_batches.items()}
        return draw(weights, sum(num_batches.values()), generator)
