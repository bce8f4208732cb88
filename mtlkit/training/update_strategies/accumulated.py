"""Modules and paths learned at the same time, with one step on the modules for all paths."""

from collections.abc import Sequence
from typing import Literal, final

from mtlkit.config import Lazy
from mtlkit.data import Batch
from mtlkit.model import MultiTaskModel
from mtlkit.training.optimization import Optimization
from mtlkit.training.optimizers import Adam, Optimizer
from mtlkit.training.precision import Precision
from mtlkit.training.update_strategies.policy_gradient import Baseline, PolicyGradient
from mtlkit.training.update_strategies.search_strategy import SearchStrategy
from mtlkit.training.update_strategies.update_strategy import StepResult, UpdateStrategy
from mtlkit.types import NonNegativeFloat, PositiveFloat, PositiveInt


@final
@UpdateStrategy.register("accumulated")
class Accumulated(SearchStrategy):
    """The update `simultaneous_online` with a single step on the modules, on the mean loss along the N paths.

    All paths are thus tried on the same modules, and a batch moves these once, as in every other system. Ours; Chen et
    al. 2018 move them N times. What several of a batch's paths have in common is run once, with one draw of dropout: on
    the embeddings, in modules of a common beginning, and before the head of equal paths. All N stay in memory until the
    backward pass.

    num_samples: N, paths drawn for a batch.
    tau: temperature of the softmax over a batch's N rewards (eq. 5; printed: 1/30); null takes rewards as they are.
    baseline: subtracted from rewards: `none`; the `mean` of the N, 1/N under the softmax; or, with tau: null, `ema`,
        each task's running mean (0.95 of the old one, as ENAS has it).
    entropy: weight of the policy's entropy in the selector's objective.
    reward_on: the `train` batch itself, or the task's next batch of `dev` data.
    reward_time: `after` the step on the modules, or `before` it.
    controller_optimizer: moves the selector.

    Raises:
        ConfigError: nothing could be learned with these settings, or one of them would change nothing.
    """

    trains_on_batches_only = True
    shares_batches = True

    def __init__(
        self,
        num_samples: PositiveInt = 5,
        tau: PositiveFloat | None = 1 / 30,
        baseline: Baseline = "none",
        entropy: NonNegativeFloat = 0.0,
        reward_on: Literal["train", "dev"] = "train",
        reward_time: Literal["after", "before"] = "after",
        controller_optimizer: Lazy[Optimizer] = Lazy.of(Adam),
    ) -> None:
        policy = PolicyGradient(num_samples, tau, baseline, entropy, controller_optimizer)
        super().__init__(num_samples, policy, on_dev=reward_on == "dev")
        self.rewards_first = reward_time == "before"

    def step(
        self, model: MultiTaskModel, batches: Sequence[Batch], optimization: Optimization, precision: Precision
    ) -> StepResult:
        drawn = self.draw(model, batches)
        rewarded = self.reward(model, batches, drawn, precision) if self.rewards_first else None
        losses_P = self.add_gradients(model, batches, [paths.modules for paths in drawn], optimization, precision)
        optimization.apply()
        self.policy.step(rewarded or self.reward(model, batches, drawn, precision))
        return self.result(batches, losses_P)
