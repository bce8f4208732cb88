"""The interface of embedders.

Shapes: B batch, T time steps, E embedding size.
"""

from abc import abstractmethod

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.data.batch import Text


class Embedder(nn.Module, Component, offers=("vocabulary", "vectors")):
    """Turns the words of a batch into vectors, without looking at their neighbours.

    Given at build: `vocabulary` (Vocabulary), and `vectors` (Vectors or None), pretrained word vectors for a fresh
    model; None if there are none, or if the weights will come from an archive.
    """

    output_dim: int
    """The size E of the vectors."""

    uses_characters: bool = False
    """Whether it reads `Text.characters_BTC`; batches hold characters only if so."""

    @abstractmethod
    def forward(self, text: Text) -> Tensor:
        """The vectors (B, T, E) of `text`, zero at padding."""
