"""Tasks in proportion to their size."""

from collections.abc import Mapping
from typing import final

import torch

from mtlkit.training.task_samplers.task_sampler import TaskSampler


@final
@TaskSampler.register("proportional")
class Proportional(TaskSampler):
    """Each batch is of a task drawn in proportion to what is left of it, so that an epoch is exactly one pass over
    every task (a shuffle of all batches)."""

    def plan(
        self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: torch.Generator
    ) -> list[str]:
        del epoch, num_epochs
        batches = [task for task, count in num_batches.items() for _ in range(count)]
        return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]
