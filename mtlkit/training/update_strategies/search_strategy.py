"""The common part of strategies that search for paths.

Shapes: N sampled paths, P batches.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtlkit.data import Batch, BatchStream
from mtlkit.model import MultiTaskModel, TaskLoss
from mtlkit.sharing import SearchableScheme
from mtlkit.sharing.selectors import ModulePath, Paths
from mtlkit.training.gradients import add_gradients, shares
from mtlkit.training.optimization import Optimization
from mtlkit.training.parameters import named, parameters_by_role
from mtlkit.training.precision import Precision, autocast
from mtlkit.training.update_strategies.policy_gradient import PolicyGradient, Rewarded
from mtlkit.training.update_strategies.update_strategy import StepResult, UpdateStrategy


class SearchStrategy(UpdateStrategy):
    """Trains theta, the modules with embeddings and heads, by the loss, and phi, what chooses paths, by rewards.

    Paths that are tried on one batch with the same theta are run together, so that the scheme can save what they have
    in common. A step counts its `module_passes`, and as `separate_module_passes` those of one path after the other.

    Args:
        num_samples: N, paths that are compared with each other.
        policy: teaches phi.
        on_dev: whether rewards are taken on dev data.
    """

    searches = True

    def __init__(self, num_samples: int, policy: PolicyGradient, on_dev: bool) -> None:
        self.num_samples = num_samples
        self.policy = policy
        self.needs_dev = on_dev
        self.dev: Mapping[str, BatchStream] = {}
        self.work: Counter[str] = Counter()

    def prepare(
        self, model: MultiTaskModel, dev: Mapping[str, BatchStream], gradient_clip: float | None
    ) -> list[nn.Parameter]:
        """Makes phi's optimizer and returns theta."""
        self.dev = dev
        theta, phi = parameters_by_role(model, searches=True)
        self.policy.prepare(named(model, phi), gradient_clip)
        return theta

    def state_dict(self) -> dict[str, Any]:
        """The state of the policy: phi's optimizer and the running means of the rewards."""
        return {"policy": self.policy.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state of the policy."""
        self.policy.load_state_dict(state["policy"])

    def draw(self, model: MultiTaskModel, batches: Sequence[Batch]) -> list[Paths]:
        """Draws N paths for each batch."""
        return [scheme_of(model).sample(batch.task, self.num_samples) for batch in batches]

    def reward(
        self, model: MultiTaskModel, batches: Sequence[Batch], drawn: Sequence[Paths], precision: Precision
    ) -> list[Rewarded]:
        """The rewards of each batch's paths: on the batch itself, or on the task's next batch of dev data."""
        on = [self.dev[batch.task].next() for batch in batches] if self.needs_dev else batches
        return [
            Rewarded(batch.task, paths, self.rewards(model, batch, paths.modules, precision))
            for batch, paths in zip(on, drawn, strict=True)
        ]

    @torch.no_grad()
    def rewards(self, model: MultiTaskModel, batch: Batch, paths: Sequence[ModulePath], precision: Precision) -> Tensor:
        """(N,) the mean log p(y|x) of a batch along each path (Chen et al. 2018, eq. 4), without dropout.

        That is minus the task's loss: a mean over texts, or over words where they are tagged. The weight lambda of the
        task has no part in it, nor have losses of the scheme's own.
        """
        model.eval()
        ((own, share),) = shares(model, batch)
        losses_N = torch.stack([loss.parts["task"] for loss in self._losses(model, own, paths, precision)])
        model.train()
        if share is not None:
            (losses_N,) = model.compute.ranks.sum([losses_N * share])
        return -losses_N.float()

    def add_gradients(
        self,
        model: MultiTaskModel,
        batches: Sequence[Batch],
        paths: Sequence[Sequence[ModulePath]],
        optimization: Optimization,
        precision: Precision,
    ) -> Tensor:
        """Adds the gradient of the mean loss of all batches, each along all of its paths.

        Returns:
            (P,) each batch's mean loss of its task, detached.
        """

        def losses(batch: Batch, number: int) -> list[TaskLoss]:
            return self._losses(model, batch, paths[number], precision)

        before = Counter(self.work)

        def restart() -> None:  # passes of a try that ran out of memory do not count as work of the step
            self.work = Counter(before)

        return torch.stack(add_gradients(model, batches, losses, optimization, restart))

    def result(self, batches: Sequence[Batch], losses_P: Tensor) -> StepResult:
        """The result of a step, given each batch's loss; resets the counts of work."""
        work, self.work = dict(self.work), Counter()
        losses = list(zip([batch.task for batch in batches], losses_P, strict=True))
        return StepResult(losses, work, self.policy.soundness())

    def _losses(
        self, model: MultiTaskModel, batch: Batch, paths: Sequence[ModulePath], precision: Precision
    ) -> list[TaskLoss]:
        num_passes = scheme_of(model).num_passes(list(dict.fromkeys(paths)))
        self.work.update(module_passes=num_passes, separate_module_passes=sum(map(len, paths)))
        with autocast(batch.text.mask_BT.device, precision):
            return model.losses(batch, paths)


def scheme_of(model: MultiTaskModel) -> SearchableScheme:
    """The model's sharing scheme, which validation has found to have paths."""
    assert isinstance(model.sharing, SearchableScheme), "a search needs a scheme with paths"
    return model.sharing
