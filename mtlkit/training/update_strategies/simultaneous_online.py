"""Modules and paths learned at the same time, as Chen et al. 2018 do it."""

from collections.abc import Sequence
from typing import Literal, final

import torch

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
@UpdateStrategy.register("simultaneous_online")
class SimultaneousOnline(SearchStrategy):
    """The simultaneous on-line update (Chen et al. 2018, Algorithm 1).

    For a batch: draw N paths; take a step on the modules, embeddings and the head along each, one after the other; then
    find the N rewards without gradient and dropout, where what several paths have in common is run once; take one
    REINFORCE step on the selector. Where gradients are accumulated, each of the N steps goes along one path for every
    batch. Optimiser and schedule of the `trainer` section are for the modules; the selector has an optimiser of its
    own, with the same bound on gradients.

    The reward is the batch's mean log p(y|x) (eq. 4), per text, or per word for tags; tasks' weights do not change it.

    num_samples: N, paths drawn for a batch; not printed (the paper's N = 20 counts modules).
    tau: temperature of the softmax over a batch's N rewards (eq. 5; printed: 1/30); null takes rewards as they are.
    baseline: subtracted from rewards: `none`, as printed; the `mean` of the N, 1/N under the softmax; or, with
        tau: null, `ema`, each task's running mean (0.95 of the old one, as ENAS has it).
    entropy: weight of the policy's entropy in the selector's objective; the paper has none.
    reward_on: the `train` batch itself, or the task's next batch of `dev` data; the paper has the former.
    reward_time: `after` the N steps on the modules, as printed, or `before` them.
    controller_optimizer: moves the selector; "Adam" is printed, a rate is not.

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
        losses = []
        for chosen in zip(*(paths.modules for paths in drawn), strict=True):
            losses.append(self.add_gradients(model, batches, [[path] for path in chosen], optimization, precision))
            optimization.apply()
        self.policy.step(rewarded or self.reward(model, batches, drawn, precision))
        return self.result(batches, torch.stack(losses).mean(dim=0))
