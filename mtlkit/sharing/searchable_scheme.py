"""Sharing schemes with more than one way through them.

Shapes: B batch, T time steps, E input size, D output size.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self

from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.sharing.scheme import Shared, SharingScheme
from mtlkit.sharing.selectors import ModulePath, Paths


class SearchableScheme(SharingScheme):
    """A scheme that runs along a path, which update strategies can search for."""

    @abstractmethod
    def sample(self, task: str, num_samples: int) -> Paths:
        """Paths to train on; the gradient of their log-probabilities goes to the `search_parameters` alone."""

    @abstractmethod
    def best(self, task: str) -> ModulePath:
        """The path that the task is evaluated with; the same until the `search_parameters` change."""

    @classmethod
    @abstractmethod
    def with_paths(cls, scheme: Lazy[Self], paths: Mapping[str, ModulePath]) -> Lazy[Self]:
        """The same scheme in which each task keeps to its path, so that there is nothing left to search for.

        Its parameters are among those of the one that searched, under the same names.
        """

    @abstractmethod
    def search_parameters(self) -> list[nn.Parameter]:
        """phi: what chooses paths and is trained by rewards. The rest, theta, is trained by the loss."""

    @abstractmethod
    def forward(
        self,
        states_BTE: Tensor,
        mask_BT: Tensor,
        task: str,
        *,
        with_trace: bool = False,
        path: ModulePath | None = None,
    ) -> Shared:
        """As for every scheme, along `path`. Without one: a sampled path in training mode, else the task's best."""

    def forward_paths(
        self, states_BTE: Tensor, mask_BT: Tensor, task: str, paths: Sequence[ModulePath]
    ) -> list[Shared]:
        """`forward` along each path, in their order; some may be equal.

        A scheme may compute once what paths have in common, dropout's choices included. Without dropout the numbers
        are those of separate passes.
        """
        return [self(states_BTE, mask_BT, task, path=path) for path in paths]

    def num_passes(self, paths: Sequence[ModulePath]) -> int:
        """The modules that `forward_paths` runs."""
        return sum(map(len, paths))
