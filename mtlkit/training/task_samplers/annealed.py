"""From proportional towards uniform."""

from collections.abc import Mapping
from typing import final

import torch

from mtlkit.training.task_samplers.task_sampler import TaskSampler, draw
from mtlkit.types import Fraction


@final
@TaskSampler.register("annealed")
class Annealed(TaskSampler):
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
