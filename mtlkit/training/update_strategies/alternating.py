"""Modules and paths learned in turns."""

from collections.abc import Mapping, Sequence
from typing import Any, final

from mtlkit.config import Lazy
from mtlkit.data import Batch
from mtlkit.model import MultiTaskModel
from mtlkit.training.optimization import Optimization
from mtlkit.training.optimizers import Adam, Optimizer
from mtlkit.training.precision import Precision
from mtlkit.training.update_strategies.policy_gradient import Baseline, PolicyGradient, Rewarded
from mtlkit.training.update_strategies.search_strategy import SearchStrategy, scheme_of
from mtlkit.training.update_strategies.update_strategy import StepResult, UpdateStrategy
from mtlkit.types import NonNegativeFloat, PositiveFloat, PositiveInt


@final
@UpdateStrategy.register("alternating")
class Alternating(SearchStrategy):
    """Trains the modules on train data and the selector on dev data, in turns (ENAS, Pham et al. 2018).

    Each step on the modules goes along one sampled path per batch. After every `module_steps` of them the selector is
    trained while the modules rest: in each of `search_rounds` rounds every task has N paths rewarded on its next batch
    of dev data, without dropout, and the selector takes a REINFORCE step. Dev figures are then no longer those of data
    that nothing has been fitted to.

    module_steps: steps on the modules between two searches; ENAS has a whole epoch of them.
    search_rounds: steps on the selector for each task in a search.
    num_samples: N, paths that are compared with each other; ENAS has 1, with tau: null and the baseline `ema`.
    tau: temperature of the softmax over N rewards (Chen et al. 2018, eq. 5); null takes rewards as they are.
    baseline: subtracted from rewards: `none`; the `mean` of the N, 1/N under the softmax; or, with tau: null, `ema`,
        each task's running mean (0.95 of the old one, as ENAS has it).
    entropy: weight of the policy's entropy in the selector's objective; ENAS has 0.0001.
    controller_optimizer: moves the selector; ENAS has Adam at 0.00035.

    Raises:
        ConfigError: nothing could be learned with these settings, or one of them would change nothing.
    """

    trains_on_batches_only = True
    shares_batches = True

    def __init__(
        self,
        module_steps: PositiveInt = 50,
        search_rounds: PositiveInt = 10,
        num_samples: PositiveInt = 5,
        tau: PositiveFloat | None = 1 / 30,
        baseline: Baseline = "none",
        entropy: NonNegativeFloat = 0.0,
        controller_optimizer: Lazy[Optimizer] = Lazy.of(Adam),
    ) -> None:
        policy = PolicyGradient(num_samples, tau, baseline, entropy, controller_optimizer)
        super().__init__(num_samples, policy, on_dev=True)
        self.module_steps = module_steps
        self.search_rounds = search_rounds
        self.steps_since_search = 0

    def step(
        self, model: MultiTaskModel, batches: Sequence[Batch], optimization: Optimization, precision: Precision
    ) -> StepResult:
        chosen = [scheme_of(model).sample(batch.task, 1).modules for batch in batches]
        losses_P = self.add_gradients(model, batches, chosen, optimization, precision)
        optimization.apply()
        self.steps_since_search += 1
        if self.steps_since_search == self.module_steps:
            self._search(model, precision)
            self.steps_since_search = 0
        return self.result(batches, losses_P)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "steps_since_search": self.steps_since_search}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.steps_since_search = state["steps_since_search"]

    def _search(self, model: MultiTaskModel, precision: Precision) -> None:
        for _ in range(self.search_rounds):
            for task in model.tasks:
                batch = self.dev[task].next()
                paths = scheme_of(model).sample(task, self.num_samples)
                self.policy.step([Rewarded(task, paths, self.rewards(model, batch, paths.modules, precision))])
