"""The pool selector whose paths are given."""

from typing import final

import torch

from mtlkit.config import Runtime, nearest
from mtlkit.errors import ConfigError
from mtlkit.sharing.selectors.pool_selector import ModulePath, Paths, PoolSelector
from mtlkit.types import NonNegativeInt


@final
@PoolSelector.register("fixed")
class FixedPaths(PoolSelector):
    """One given path for each task: the result of a search, or an architecture designed by hand.

    paths: task -> numbers of modules, from 0, in order; an entry for every task. `[]` leaves embeddings as they are.

    Raises:
        ConfigError: a task is missing or unknown, or a path is too long or names a module that does not exist.
    """

    def __init__(
        self,
        paths: dict[str, list[NonNegativeInt]],
        *,
        num_modules: Runtime[int],
        max_length: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        for task in paths:
            if task not in tasks:
                hint = nearest(task, list(tasks)) or f" (the tasks: {', '.join(tasks)})"
                raise ConfigError(f"paths: no task is named '{task}'{hint}")
        for task in tasks:
            _check(task, paths, num_modules, max_length)
        self.paths = {task: tuple(path) for task, path in paths.items()}

    def sample(self, task: str, num_samples: int) -> Paths:
        zeros_N = torch.zeros(num_samples)
        return Paths([self.paths[task]] * num_samples, zeros_N, zeros_N, torch.ones(num_samples))

    def best(self, task: str) -> ModulePath:
        return self.paths[task]


def _check(task: str, paths: dict[str, list[int]], num_modules: int, max_length: int) -> None:
    if task not in paths:
        raise ConfigError(f"paths: the task '{task}' has none; give each task its list of modules")
    if len(paths[task]) > max_length:
        raise ConfigError(f"paths.{task}: is {len(paths[task])} modules long, the pool's max_length is {max_length}")
    for number in paths[task]:
        if number >= num_modules:
            raise ConfigError(f"paths.{task}: there is no module {number}; the pool's are 0 to {num_modules - 1}")
