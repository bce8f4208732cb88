"""Sharing through a pool of modules.

Shapes: B batch, T time steps, E size of embeddings and of every state.
"""

from collections.abc import Sequence
from typing import final

from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import BilstmEncoder, Encoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.sequences import zero_padding
from mtlkit.sharing.scheme import Shared, SharingScheme
from mtlkit.sharing.selecting_scheme import SelectingScheme
from mtlkit.sharing.selectors import Controller, ModulePath, PoolSelector
from mtlkit.types import PartCount


@final
@SharingScheme.register("pool")
class ModulePool(SelectingScheme):
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
            path = self.chosen(task)
        trace = self.trace_of(task, path) if with_trace else None
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
