"""Sharing through a pool of modules.

Shapes: B batch, T time steps, E size of embeddings and of every state.
"""

from collections.abc import Mapping, Sequence
from typing import Self, final

import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import BilstmEncoder, Encoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.sequences import zero_padding
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.sharing.searchable_scheme import SearchableScheme
from mtlkit.sharing.selectors import Controller, FixedPaths, ModulePath, Paths, PoolSelector
from mtlkit.sharing.traces import PathTrace
from mtlkit.types import PartCount


@final
@SharingScheme.register("pool")
class ModulePool(SearchableScheme):
    """A pool of modules for all tasks; each stacks some of them in an order of its own (Chen et al. 2018, eq. 3).

    A module's states must have the size of its input, so that any order and any repetition is possible: bidirectional
    modules of 50 per direction need embeddings of 100. Only the modules on a batch's path run and learn. Several paths
    of one batch are run as a tree: a prefix that some of them share is run once.

    module: built `num_modules` times.
    num_modules: L, modules in the pool; numbered from 0 wherever a path is written down.
    max_length: most modules on a path. The paper prints no cap, and speaks of three steps in use at the end.
    selector: chooses the paths. One that learns needs an update strategy that searches.

    Raises:
        ConfigError: a module's states differ in size from its input, or the selector does not fit the pool.
    """

    def __init__(
        self,
        module: Lazy[Encoder] = Lazy.of(BilstmEncoder, hidden_dim=50),
        num_modules: PartCount = 20,
        max_length: PartCount = 4,
        selector: Lazy[PoolSelector] = Lazy.of(Controller),
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.pool = nn.ModuleList(module.build(input_dim=input_dim) for _ in range(num_modules))
        self.output_dim = input_dim
        if (size := self.pool[0].output_dim) != input_dim:
            raise ConfigError(
                f"module: takes embeddings of {input_dim} and gives states of {size}; in a pool both must be equal, "
                "since any module may follow any other"
            )
        self.selector = selector.build(num_modules=num_modules, max_length=max_length, tasks=tasks)

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
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        """All modules of the pool; the new task searches a path of its own through them."""
        if scheme.to_json()["selector"]["type"] == FixedPaths.registered_name:
            raise ConfigError("selector: 'fixed' has no path for a new task; take one that finds paths")
        return SharedLayer({"modules": (r"^sharing\.pool\.",)}, scheme)

    def search_parameters(self) -> list[nn.Parameter]:
        return list(self.selector.parameters())

    def forward(
        self,
        states_BTE: Tensor,
        mask_BT: Tensor,
        task: str,
        *,
        with_trace: bool = False,
        path: ModulePath | None = None,
    ) -> Shared:
        if path is None:
            path = self._path(task)
        trace = self._trace(task, path) if with_trace else None
        if not path:
            # Modules give zeros at padding; embeddings, which are the states of an empty path, need not.
            return Shared(zero_padding(states_BTE, mask_BT), trace=trace)
        for number in path:
            states_BTE = self.pool[number](states_BTE, mask_BT)
        return Shared(states_BTE, trace=trace)

    def forward_paths(
        self, states_BTE: Tensor, mask_BT: Tensor, task: str, paths: Sequence[ModulePath]
    ) -> list[Shared]:
        # The nodes of the tree by their prefixes. A node is computed from its parent, so paths with a common prefix
        # share its graph, and in training its draw of dropout too.
        states: dict[ModulePath, Tensor] = {(): states_BTE}
        for path in paths:
            for length in range(1, len(path) + 1):
                if (begun := path[:length]) not in states:
                    states[begun] = self.pool[begun[-1]](states[begun[:-1]], mask_BT)
        # One `Shared` per distinct path: equal paths get the very same tensors.
        along = {path: Shared(states[path] if path else zero_padding(states_BTE, mask_BT)) for path in paths}
        return [along[path] for path in paths]

    def num_passes(self, paths: Sequence[ModulePath]) -> int:
        return len({path[:length] for path in paths for length in range(1, len(path) + 1)})

    # Without gradients: the selector learns from rewards alone, which update strategies give to paths that they have
    # sampled themselves. The loss of a plain forward pass must not reach it.
    @torch.no_grad()
    def _path(self, task: str) -> ModulePath:
        return self.selector.sample(task, 1).modules[0] if self.training else self.best(task)

    @torch.no_grad()
    def _trace(self, task: str, path: ModulePath) -> PathTrace:
        embedding_S = self.selector.embedding(task)
        copied_S = None if embedding_S is None else embedding_S.detach().clone()  # training must not change a trace
        return PathTrace(path, self.selector.policy(task, path), copied_S)
