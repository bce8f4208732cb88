"""Sharing schemes with more than one way through them.

Shapes: B batch, T time steps, E input size, D output size.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self, cast

from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.data.batch import Text
from mtlkit.embedders import Embedder
from mtlkit.sharing.scheme import Shared, SharingScheme
from mtlkit.sharing.selectors import ModulePath, Paths


class SearchableScheme(SharingScheme):
    """A scheme that runs a batch along a path, for which update strategies can search."""

    @abstractmethod
    def sample(self, task: str, num_samples: int) -> Paths:
        """Samples paths to train on. The gradient of their log-probabilities reaches only the `search_parameters`."""

    @abstractmethod
    def best(self, task: str) -> ModulePath:
        """The path for evaluating the task. It does not change until the `search_parameters` do."""

    @classmethod
    @abstractmethod
    def with_paths(cls, scheme: Lazy[Self], paths: Mapping[str, ModulePath]) -> Lazy[Self]:
        """A copy of the scheme in which the path of each task is fixed, so that nothing is left to search for.

        Its parameters are among those of the original scheme, under the same names.
        """

    @abstractmethod
    def search_parameters(self) -> list[nn.Parameter]:
        """The parameters phi that choose paths, trained by rewards. All others, theta, are trained by the loss."""

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
        """The states of a batch along `path`. Default: a sampled path in training mode, otherwise the task's best."""

    def forward_paths(
        self, states_BTE: Tensor, mask_BT: Tensor, task: str, paths: Sequence[ModulePath]
    ) -> list[Shared]:
        """The results of `forward` along several paths, in their order. Paths may occur more than once.

        A scheme may compute once what paths have in common, including the draws of dropout. Without dropout, the
        numbers are those of separate passes.
        """
        return [self(states_BTE, mask_BT, task, path=path) for path in paths]

    def read(
        self,
        embedder: Embedder,
        text: Text,
        task: str,
        *,
        with_trace: bool = False,
        path: ModulePath | None = None,
    ) -> Shared:
        """The states of texts along `path`, with the default of `forward`."""
        return cast(Shared, self(embedder(text), text.mask_BT, task, with_trace=with_trace, path=path))

    def read_paths(self, embedder: Embedder, text: Text, task: str, paths: Sequence[ModulePath]) -> list[Shared]:
        """The results of `read` along several paths, in their order. Default: texts are embedded once."""
        return self.forward_paths(embedder(text), text.mask_BT, task, paths)

    def num_passes(self, paths: Sequence[ModulePath]) -> int:
        """How many times `forward_paths` runs a module for these paths."""
        return sum(map(len, paths))
