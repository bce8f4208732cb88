"""How a selector learns from rewards.

Shapes: N sampled paths.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, final

import torch
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit.sharing.selectors import Paths
from mtlkit.training.optimization import Optimization
from mtlkit.training.optimizers import Optimizer

Baseline = Literal["none", "mean", "ema"]
EMA_DECAY = 0.95
"""How much of the old running mean each update keeps, as in ENAS (Pham et al. 2018)."""


class Rewarded(NamedTuple):
    """Paths of a task, and how good each turned out to be."""

    task: str
    paths: Paths
    rewards_N: Tensor


@final
class PolicyGradient:
    """REINFORCE on phi, the selector's parameters (Chen et al. 2018, eqs. 2 and 5).

    The gradient is that of sum_i w_i log p(path_i), plus `entropy` times the paths' mean entropy. The weights w are
    constants: softmax(R / tau), less 1/N with the baseline `mean`; or without tau (R - baseline) / N.

    Args:
        num_samples: N.
        tau: temperature of the softmax over a task's rewards; None takes rewards as they are.
        baseline: `mean` of the N rewards, or `ema`, each task's running mean of them.
        entropy: weight of the entropy.
        optimizer: of phi.

    Raises:
        ConfigError: nothing could be learned with these settings, or one of them would change nothing.
    """

    def __init__(
        self, num_samples: int, tau: float | None, baseline: Baseline, entropy: float, optimizer: Lazy[Optimizer]
    ) -> None:
        if tau is not None and baseline == "ema":
            raise ConfigError(
                "baseline: rewards under a softmax always have the mean 1/N, so 'ema' would be the same as 'mean'; "
                "take 'mean', or rewards as they are with tau: null"
            )
        if num_samples == 1 and (tau is not None or baseline == "mean"):
            raise ConfigError(
                "num_samples: one reward has nothing to be compared with, so no path would be learned; take 2 or "
                "more, or tau: null with another baseline than 'mean'"
            )
        self.tau = tau
        self.baseline = baseline
        self.entropy = entropy
        self.optimizer = optimizer
        self.optimization: Optimization | None = None
        self.trained: list[str] = []
        """The names of phi in the order of its optimizer, whose state knows parameters by their positions only."""
        self.running_means: dict[str, Tensor] = {}

    def prepare(self, phi: Mapping[str, nn.Parameter], gradient_clip: float | None) -> None:
        """Makes an optimizer of phi's own, given phi by name; a selector without parameters needs none."""
        if phi:
            created = self.optimizer.build().create_over(phi)
            name_of = {id(parameter): name for name, parameter in phi.items()}
            self.trained = [name_of[id(each)] for group in created.param_groups for each in group["params"]]
            # Undone whatever the trainer does with an unsound step: with NaN in phi, no path can be drawn any more.
            self.optimization = Optimization(created, phi.values(), gradient_clip, undoes=True)

    def step(self, rewarded: Sequence[Rewarded]) -> None:
        """One update of phi; none if no path's probability can be changed."""
        losses = [self._loss(*each) for each in rewarded if each.paths.log_probs_N.requires_grad]
        if losses and self.optimization:
            self.optimization.backward(torch.stack(losses).mean())
            self.optimization.apply()

    def soundness(self) -> Tensor | None:
        """Whether all updates since the last call were finite, a boolean scalar; None where phi has no parameters."""
        return self.optimization.soundness() if self.optimization else None

    def weights(self, task: str, rewards_N: Tensor) -> Tensor:
        """(N,) w; with a running mean, rewards are counted in."""
        num_samples = len(rewards_N)
        if self.tau is not None:
            weights_N = (rewards_N / self.tau).softmax(dim=0)
            return weights_N - 1 / num_samples if self.baseline == "mean" else weights_N
        return (rewards_N - self._baseline(task, rewards_N)) / num_samples

    def state_dict(self) -> dict[str, Any]:
        """The state of phi's optimizer and the running means of the rewards."""
        optimizer = self.optimization.state_dict() if self.optimization else {}
        return {"optimizer": optimizer, "trained": list(self.trained), "running_means": dict(self.running_means)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores a state; to be called after `prepare`.

        Raises:
            ValueError: it is the state of an optimizer of other parameters, or of other groups of them.
        """
        if state.get("trained", self.trained) != self.trained:  # checkpoints of older versions do not say
            raise ValueError("other parameters choose paths")
        if self.optimization:
            self.optimization.load_state_dict(state["optimizer"])
        self.running_means = dict(state["running_means"])

    def _loss(self, task: str, paths: Paths, rewards_N: Tensor) -> Tensor:
        weights_N = self.weights(task, rewards_N) * paths.ratios_N
        return -(weights_N * paths.log_probs_N).sum() - self.entropy * paths.entropies_N.mean()

    def _baseline(self, task: str, rewards_N: Tensor) -> Tensor:
        if self.baseline == "none":
            return torch.zeros_like(rewards_N)
        mean = rewards_N.mean()
        if self.baseline == "mean":
            return mean
        if task in self.running_means:  # on the CPU in a run that was resumed
            before = self.running_means[task].to(mean)
            mean = torch.lerp(mean, before, EMA_DECAY)
            mean = torch.where(mean.isfinite(), mean, before)  # the rewards of an unsound step are none
        self.running_means[task] = mean
        return mean
