"""The pool selector that learns nothing."""

from typing import final

import torch
from torch import Tensor

from mtlkit.config import Runtime
from mtlkit.errors import ConfigError
from mtlkit.sharing.selectors.path_rules import PathRules
from mtlkit.sharing.selectors.pool_selector import ModulePath, Paths, PoolSelector


@final
@PoolSelector.register("random")
class RandomPaths(PoolSelector):
    """Paths drawn uniformly, each action from the legal ones. Nothing is learned; this is the control for a search.

    A task is evaluated with one such path, which is drawn when the model is built and kept with its weights.

    allow_empty: whether a path may stop before its first module.
    allow_repeat: whether a path may take a module twice.
    """

    paths_KT: Tensor

    def __init__(
        self,
        allow_empty: bool = False,
        allow_repeat: bool = True,
        *,
        num_modules: Runtime[int],
        max_length: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.rules = PathRules(num_modules, max_length, allow_empty, allow_repeat)
        self.tasks = list(tasks)
        self.register_buffer("paths_KT", self.rules.uniform(len(tasks), torch.get_default_device())[0])

    def sample(self, task: str, num_samples: int) -> Paths:
        actions_NT, log_probs_N = self.rules.uniform(num_samples, self.paths_KT.device)
        # Every step is uniform, so its entropy equals what it adds to -log p.
        return Paths(self.rules.paths(actions_NT), log_probs_N, -log_probs_N, torch.ones_like(log_probs_N))

    def best(self, task: str) -> ModulePath:
        place = self.tasks.index(task)
        (path,) = self.rules.paths(self.paths_KT[place : place + 1])
        if not all(0 <= module < self.rules.num_modules for module in path):  # from weights that were tampered with
            raise ConfigError(f"the path of {task} names a module that there is not")
        return path

    def policy(self, task: str, path: ModulePath) -> Tensor:
        """The uniform distribution over legal actions at each step, (S, A)."""
        actions_T = self.rules.actions([path], self.paths_KT.device)[0]
        legal_SA = torch.cat([self.rules.legal(actions_T[None, :step]) for step in range(self.rules.num_steps(path))])
        return legal_SA / legal_SA.sum(dim=1, keepdim=True)
