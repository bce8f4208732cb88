"""Searchable schemes with a pool of modules, through which a selector chooses the paths."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import nn

from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit.sharing.scheme import SharedLayer
from mtlkit.sharing.searchable_scheme import SearchableScheme
from mtlkit.sharing.selectors import FixedPaths, ModulePath, Paths, PoolSelector
from mtlkit.sharing.traces import PathTrace


class SelectingScheme(SearchableScheme):
    """A pool of modules and a selector of paths through it.

    A constructor assigns both, and has a setting `selector`.
    """

    pool: nn.ModuleList
    """The modules, numbered from 0 wherever a path is written down."""
    selector: PoolSelector
    """What chooses the paths: all of `search_parameters` are its own."""

    def sample(self, task: str, num_samples: int) -> Paths:
        return self.selector.sample(task, num_samples)

    def best(self, task: str) -> ModulePath:
        return self.selector.best(task)

    @classmethod
    def with_paths(cls, scheme: Lazy[Self], paths: Mapping[str, ModulePath]) -> Lazy[Self]:
        selector = Lazy.of(FixedPaths, paths={task: list(path) for task, path in paths.items()})
        # Not by way of JSON: the modules stay the same part, with the files that they have saved.
        return Lazy(cls, scheme.settings.model_copy(update={"selector": selector}))

    @classmethod
    def shared_layer(cls, scheme: Lazy[Any]) -> SharedLayer:
        """All modules of the pool; the new task searches a path of its own through them."""
        if scheme.to_json()["selector"]["type"] == FixedPaths.registered_name:
            raise ConfigError("selector: 'fixed' has no path for a new task; take one that finds paths")
        return SharedLayer({"modules": (r"^sharing\.pool\.",)}, scheme)

    def search_parameters(self) -> list[nn.Parameter]:
        return list(self.selector.parameters())

    def num_passes(self, paths: Sequence[ModulePath]) -> int:
        return len({path[:length] for path in paths for length in range(1, len(path) + 1)})

    # Without gradients: the selector learns from rewards alone, which update strategies give to paths that they have
    # sampled themselves. The loss of a plain forward pass must not reach it.
    @torch.no_grad()
    def chosen(self, task: str) -> ModulePath:
        """The path of a batch for which none is given: sampled in training mode, otherwise the task's best."""
        return self.selector.sample(task, 1).modules[0] if self.training else self.best(task)

    @torch.no_grad()
    def trace_of(self, task: str, path: ModulePath) -> PathTrace:
        """What there is to report of a batch that went along a path."""
        embedding_S = self.selector.embedding(task)
        copied_S = None if embedding_S is None else embedding_S.detach().clone()  # training must not change a trace
        return PathTrace(path, self.selector.policy(task, path), copied_S)
