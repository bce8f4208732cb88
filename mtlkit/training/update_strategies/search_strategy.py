"""What strategies that search for paths have in common.

Shapes: N sampled paths, P batches.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtlkit.data import Batch, BatchStream
from mtlkit.models import MultiTaskModel
from mtlkit.selectors import ModulePath, Paths
from mtlkit.sharing import SearchableScheme
from mtlkit.training.optimization import Optimization, Precision, autocast
from mtlkit.training.update_strategies.policy_gradient import PolicyGradient, Rewarded
from mtlkit.training.update_strategies.update_strategy import UpdateStrategy


class SearchStrategy(UpdateStrategy):
    """Trains theta, the modules with embeddings and heads, by the loss, and phi, what chooses paths, by rewards.

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

    def prepare(
        self, model: MultiTaskModel, dev: Mapping[str, BatchStream], gradient_clip: float | None
    ) -> list[nn.Parameter]:
        """Makes phi's optimiser; returns theta."""
        self.dev = dev
        phi = [parameter for parameter in scheme_of(model).search_parameters() if parameter.requires_grad]
        self.policy.prepare(phi, gradient_clip)
        chosen = {id(parameter) for parameter in phi}
        return [each for each in model.parameters() if each.requires_grad and id(each) not in chosen]

    def state_dict(self) -> dict[str, Any]:
        """That of phi's optimiser and of the running means."""
        return {"policy": self.policy.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.policy.load_state_dict(state["policy"])

    def draw(self, model: MultiTaskModel, batches: Sequence[Batch]) -> list[Paths]:
        """N paths for each batch."""
        return [scheme_of(model).sample(batch.task, self.num_samples) for batch in batches]

    def reward(
        self, model: MultiTaskModel, batches: Sequence[Batch], drawn: Sequence[Paths], precision: Precision
    ) -> list[Rewarded]:
        """The rewards of each batch's paths: on the batch itself, or on the task's next batch of dev data."""
        on = [self.dev[batch.task].next() for batch in batches] if self.needs_dev else batches
        return [
            Rewarded(batch.task, paths, rewards(model, batch, paths.modules, precision))
            for batch, paths in zip(on, drawn, strict=True)
        ]


def scheme_of(model: MultiTaskModel) -> SearchableScheme:
    """The model's sharing scheme, which validation has found to have paths."""
    assert isinstance(model.sharing, SearchableScheme), "a search needs a scheme with paths"
    return model.sharing


def add_gradients(
    model: MultiTaskModel,
    batches: Sequence[Batch],
    paths: Sequence[ModulePath],
    share: float,
    optimization: Optimization,
    precision: Precision,
) -> Tensor:
    """Adds the gradients of `share` times each batch's loss along its path; the losses of the tasks (P,), detached."""
    losses = []
    for batch, path in zip(batches, paths, strict=True):
        with autocast(batch.text.mask_BT.device, precision):
            loss = model.loss(batch, path=path)
        optimization.backward(loss.total * share)
        losses.append(loss.parts["task"].detach())
    return torch.stack(losses)


@torch.no_grad()
def rewards(model: MultiTaskModel, batch: Batch, paths: Sequence[ModulePath], precision: Precision) -> Tensor:
    """(N,) the mean log p(y|x) of a batch along each path (Chen et al. 2018, eq. 4), without dropout.

    That is minus the task's loss: a mean over texts, or over words where they are tagged. The weight lambda of the task
    has no part in it, nor have losses of the scheme's own.
    """
    model.eval()
    with autocast(batch.text.mask_BT.device, precision):
        losses = [model.loss(batch, path=path).parts["task"] for path in paths]
    model.train()
    return -torch.stack(losses).float()
