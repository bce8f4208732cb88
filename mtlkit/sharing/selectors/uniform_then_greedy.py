"""First all paths alike, then the one that did best.

Shapes: N paths, K tasks.
"""

from typing import final

import torch
from torch import Tensor

from mtlkit.config import Lazy, Runtime
from mtlkit.errors import ConfigError
from mtlkit.sharing.selectors.controller import Controller
from mtlkit.sharing.selectors.pool_selector import ModulePath, Paths, PoolSelector
from mtlkit.types import PositiveInt


@final
@PoolSelector.register("uniform_then_greedy")
class UniformThenGreedy(PoolSelector):
    """A search in two parts: a task's paths are uniform at first, and the controller's greedy one from then on.

    In the first part every action is drawn uniformly from the legal ones, so that all modules are trained, and the
    controller learns from the rewards of these paths. In the second part it no longer learns: all samples are its
    greedy path. Draws of a task in training mode are counted; an update strategy makes one for each batch, however many
    paths are in it, and `alternating` one more for each step of its search. The count is kept with the weights. This
    selector is ours; Chen et al. 2018 explore at random with a fixed rate.

    uniform_draws: a task's draws in the first part.
    controller: the selector that learns, of type `controller`. Its own exploration is not used.

    Raises:
        ConfigError: the controller is of another type, which could not learn from paths that it has not drawn.
    """

    num_draws_K: Tensor

    def __init__(
        self,
        uniform_draws: PositiveInt = 1000,
        controller: Lazy[PoolSelector] = Lazy.of(Controller),
        *,
        num_modules: Runtime[int],
        max_length: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        built = controller.build(num_modules=num_modules, max_length=max_length, tasks=tasks)
        if not isinstance(built, Controller):
            raise ConfigError(f"controller: must be of type 'controller', not '{controller.type}'")
        self.controller = built
        self.uniform_draws = uniform_draws
        self.tasks = list(tasks)
        self.register_buffer("num_draws_K", torch.zeros(len(tasks), dtype=torch.int64))

    def sample(self, task: str, num_samples: int) -> Paths:
        place = self.tasks.index(task)
        if self.training and self.num_draws_K[place] < self.uniform_draws:
            self.num_draws_K[place] += 1
            return self.controller.draw(task, num_samples, exploration=1.0)
        with torch.no_grad():
            return self.controller.score(task, [self.best(task)] * num_samples)

    def best(self, task: str) -> ModulePath:
        return self.controller.best(task)

    def policy(self, task: str, path: ModulePath) -> Tensor:
        return self.controller.policy(task, path)

    def embedding(self, task: str) -> Tensor:
        """The vector (S,) that the controller has learned for the task."""
        return self.controller.embedding(task)
