"""The multi-task model.

Shapes: B texts, T words, E embedding size, D state size.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast, final

import torch
from torch import Tensor, nn

from mtlkit.data import Batch, Text
from mtlkit.embedders import Embedder
from mtlkit.errors import ConfigError
from mtlkit.heads import Decoded, Head
from mtlkit.kernels.compute import Computing
from mtlkit.kernels.workers import with_threads
from mtlkit.sharing import SearchableScheme, Shared, SharingScheme, Trace
from mtlkit.sharing.selectors import ModulePath

SHARED = "shared"


@dataclass(frozen=True)
class TaskLoss:
    """The loss of a batch: `total` is minimised; `parts` are its terms by name, `task` and those that the sharing
    scheme adds. `weight` is the factor of the task's own term in `total`.
    """

    total: Tensor
    parts: dict[str, Tensor]
    weight: float = 1.0

    def in_part(self, share: Tensor, others: float) -> Tensor:
        """What the loss of a part of a batch adds to that of the whole.

        Args:
            share: a factor of the task's own term: how much of what the whole batch's term is the mean of is in the
                part.
            others: a factor of the scheme's terms.
        """
        total = self.weight * self.parts["task"]
        total = total * share.to(total.dtype)
        for name, loss in self.parts.items():
            if name != "task":
                total = total + others * loss
        return total


@final
class MultiTaskModel(Computing):
    """Embedder, sharing scheme, and one head per task. A batch belongs to one task.

    The loss of task k is weighted by its lambda_k (Liu et al. 2019, eq. 14); the sharing scheme's own losses are added
    unweighted.

    Args:
        embedders: one embedder for all tasks under the key `"shared"`, or one embedder per task.
        sharing: a scheme whose input size is the embedders' output size.
        heads: one per task.
        weights: lambda_k per task.
        dropout: applied to the states that the heads read.
    """

    def __init__(
        self,
        embedders: Mapping[str, Embedder],
        sharing: SharingScheme,
        heads: Mapping[str, Head],
        weights: Mapping[str, float],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedders = nn.ModuleDict(dict(embedders))
        self.sharing = sharing
        self.heads = nn.ModuleDict(dict(heads))
        self.weights = dict(weights)
        self.dropout = nn.Dropout(dropout)

    @property
    def tasks(self) -> list[str]:
        """The names of the tasks, in the experiment's order."""
        return list(self.heads)

    def embedder(self, task: str) -> Embedder:
        """Returns the embedder of a task, which may be shared by all tasks."""
        return cast(Embedder, self.embedders[SHARED if SHARED in self.embedders else task])

    def head(self, task: str) -> Head:
        """Returns the head of a task."""
        return cast(Head, self.heads[task])

    def weights_of(self, tasks: Collection[str]) -> dict[str, Tensor]:
        """Returns the parameters and buffers of these tasks, by name: all but other tasks' embedders and heads."""
        foreign = _own_prefixes(task for task in self.tasks if task not in tasks)
        return {name: tensor for name, tensor in self.state_dict().items() if not name.startswith(foreign)}

    def tasks_without(self, weights: Collection[str]) -> list[str]:
        """Returns the tasks whose `weights_of` have none of these names."""
        found = self.state_dict().keys() & set(weights)
        of_some_task = _own_prefixes(self.tasks)
        if not all(name.startswith(of_some_task) for name in found):
            return []  # one of them serves all tasks
        having = {name.split(".")[1] for name in found}
        return [task for task in self.tasks if task not in having]

    def load_weights_of(self, tasks: Collection[str], weights: Mapping[str, Tensor]) -> None:
        """Loads weights that `weights_of` returned for the same tasks.

        Raises:
            RuntimeError: names or shapes do not match this model.
        """
        if differing := sorted(self.weights_of(tasks).keys() ^ weights.keys()):
            raise RuntimeError(f"weights that are missing or too many: {', '.join(differing[:5])}")
        self.load_state_dict(weights, strict=False)

    def embed(self, text: Text, task: str) -> Tensor:
        """Returns the states (B, T, E) of the task's embedder."""
        return cast(Tensor, self.embedder(task)(replace(text, task=task)))

    def forward(self, text: Text, task: str, *, with_trace: bool = False, path: ModulePath | None = None) -> Shared:
        """Returns the states (B, T, D) of the sharing scheme, its losses and, on request, its trace.

        A `path` may only be given to a searchable scheme.
        """
        along = {} if path is None else {"path": path}
        text = replace(text, task=task)
        return self.sharing.read(self.embedder(task), text, task, with_trace=with_trace, **along)

    def loss(self, batch: Batch, *, path: ModulePath | None = None) -> TaskLoss:
        """Computes the loss of a batch with targets, averaged per text or per word so that tasks are comparable.

        The task's own term is that of the texts in `batch`. If it is one process's share of a batch, the terms of the
        sharing scheme are those of the whole batch.

        Raises:
            ConfigError: the scheme adds terms that cannot be computed in several processes.
        """
        if path is None and batch.share is not None and isinstance(self.sharing, SearchableScheme) and self.training:
            with batch.share.ranks.other_draws(), torch.no_grad():
                path = self.sharing.sample(batch.task, 1).modules[0]
        return self._loss(batch, self(batch.text, batch.task, path=path))

    def losses(self, batch: Batch, paths: Sequence[ModulePath]) -> list[TaskLoss]:
        """Computes the loss along each path of a searchable scheme.

        Texts are embedded once, duplicate paths are run once, and the scheme may share work between paths. Without
        dropout the values equal those of `loss`.
        """
        assert isinstance(self.sharing, SearchableScheme), "only such a scheme has paths"
        distinct = list(dict.fromkeys(paths))
        text = replace(batch.text, task=batch.task)
        found = self.sharing.read_paths(self.embedder(batch.task), text, batch.task, distinct)
        along = {path: self._loss(batch, shared) for path, shared in zip(distinct, found, strict=True)}
        return [along[path] for path in paths]

    def _loss(self, batch: Batch, shared: Shared) -> TaskLoss:
        assert batch.targets is not None, "a loss needs targets"
        states_BTD = self.dropout(shared.states_BTD)
        task_loss = self.head(batch.task).loss(states_BTD, batch.text.mask_BT, batch.targets)
        weight, losses = self.weights[batch.task], self._losses_of_whole(batch, shared)
        total = weight * task_loss
        for loss in losses.values():
            total = total + loss
        return TaskLoss(total, {"task": task_loss, **losses}, weight)

    def _losses_of_whole(self, batch: Batch, shared: Shared) -> dict[str, Tensor]:
        """The scheme's own losses: of the whole batch, also where this process has only a share of its texts."""
        if batch.share is None or not shared.losses:
            return shared.losses
        if not shared.views:
            raise ConfigError(
                f"model.sharing: adds losses of a batch ({', '.join(shared.losses)}) without the views that they are "
                "computed from, so that several processes cannot share one; train in one process"
            )
        views = {name: batch.share.of_whole(view) for name, view in shared.views.items()}
        return self.sharing.batch_losses(views, batch.task)

    def num_scored(self, batch: Batch) -> Tensor:
        """Returns the number of texts or words that the task's own loss of the batch is averaged over, a scalar."""
        assert batch.targets is not None, "a loss needs targets"
        return self.head(batch.task).num_scored(batch.text.mask_BT, batch.targets)

    def decode(self, batch: Batch, *, path: ModulePath | None = None) -> Decoded:
        """Decodes a batch with the head of its task. Targets are ignored.

        On a CPU this uses `compute.threads` threads, whatever torch is set to, and leaves torch's setting unchanged.
        """
        return self._decode(batch, with_trace=False, path=path)[0]

    def decode_with_trace(self, batch: Batch) -> tuple[Decoded, Trace | None]:
        """Decodes a batch like `decode`, and returns the scheme's trace as well, or None if the scheme has no trace."""
        return self._decode(batch, with_trace=True, path=None)

    def _decode(self, batch: Batch, *, with_trace: bool, path: ModulePath | None) -> tuple[Decoded, Trace | None]:
        def run() -> tuple[Decoded, Trace | None]:
            shared: Shared = self(batch.text, batch.task, with_trace=with_trace, path=path)
            states_BTD = self.dropout(shared.states_BTD)
            return self.head(batch.task).decode(states_BTD, batch.text.mask_BT), shared.trace

        return with_threads(self.compute.threads, batch.text.mask_BT.device, run)


def _own_prefixes(tasks: Iterable[str]) -> tuple[str, ...]:
    """How the names of weights begin that belong to one of these tasks alone."""
    return tuple(f"{part}.{task}." for task in tasks for part in ("embedders", "heads"))
