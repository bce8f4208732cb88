"""Several embedders side by side.

Shapes: B batch, T time steps, E embedding size (the sum).
"""

from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.data.batch import Text
from mtlkit.data.vectors import Vectors
from mtlkit.data.vocabulary import Vocabulary
from mtlkit.embedders.embedder import Embedder


@final
@Embedder.register("concatenated")
class ConcatenatedEmbedder(Embedder):
    """The vectors of all `embedders`, concatenated in their order; each one has its own dropout."""

    def __init__(
        self,
        embedders: Annotated[list[Lazy[Embedder]], Field(min_length=1)],
        *,
        vocabulary: Runtime[Vocabulary],
        vectors: Runtime[Vectors | None],
    ) -> None:
        super().__init__()
        built = [embedder.build(vocabulary=vocabulary, vectors=vectors) for embedder in embedders]
        self.output_dim = sum(embedder.output_dim for embedder in built)
        self.uses_characters = any(embedder.uses_characters for embedder in built)
        self.embedders = nn.ModuleList(built)

    def forward(self, text: Text) -> Tensor:
        return torch.cat([embedder(text) for embedder in self.embedders], dim=-1)
