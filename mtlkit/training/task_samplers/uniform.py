"""Every task equally likely."""

from collections.abc import Mapping
from typing import final

import torch

from mtlkit.training.task_samplers.task_sampler import TaskSampler, draw


@final
@TaskSampler.register("uniform")
class Uniform(TaskSampler):
    """Each batch is of a task drawn uniformly, whatever its size. An epoch has as many batches as one pass over all
    tasks together; small tasks are seen more than once in it, large ones in part."""

    def plan(
        self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: torch.Generator
    ) -> list[str]:
        del epoch, num_epochs
        return draw(dict.fromkeys(num_batches, 1.0), sum(num_batches.values()), generator)
