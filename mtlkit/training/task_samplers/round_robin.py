"""One batch of each task in turn."""

from collections.abc import Mapping
from typing import final

import torch

from mtlkit.training.task_samplers.task_sampler import TaskSampler


@final
@TaskSampler.register("round_robin")
class RoundRobin(TaskSampler):
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
