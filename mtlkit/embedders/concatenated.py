"""Several embedders side by side.

Shapes: B batch, T time steps, E embedding size (the sum).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Self, cast, final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table, nested, part_of
from mtlkit.data.vectors import Vectors
from mtlkit.data.vocabulary import Vocabulary
from mtlkit.embedders.embedder import Embedder
from mtlkit.embedders.word_table import WordTable


@final
@Embedder.register("concatenated")
class ConcatenatedEmbedder(Embedder):
    """Concatenates the vectors of all `embedders` in order; each one has its own dropout."""

    def __init__(
        self,
        embedders: Annotated[list[Lazy[Embedder]], Field(min_length=1)],
        *,
        vocabulary: Runtime[Vocabulary],
        vectors: Runtime[Vectors | None],
        fresh: Runtime[bool],
        tasks: Runtime[Sequence[str]] = (),
    ) -> None:
        super().__init__()
        given = {"vocabulary": vocabulary, "vectors": vectors, "fresh": fresh, "tasks": tasks}
        built = [embedder.build(**given) for embedder in embedders]
        self.output_dim = sum(embedder.output_dim for embedder in built)
        self.looks_at_neighbours = any(embedder.looks_at_neighbours for embedder in built)
        self.embedders = nn.ModuleList(built)

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return nested({name: embedder.tables(forms) for name, embedder in self._parts.items()})

    def share_frozen(self, other: Self) -> None:
        for name, embedder in self._parts.items():
            embedder.share_frozen(other._parts[name])

    def costs(self, tables: Mapping[str, Table]) -> Table | None:
        found = [embedder.costs(part_of(tables, name)) for name, embedder in self._parts.items()]
        known = [costs for costs in found if costs is not None]
        return np.maximum.reduce(known) if known else None

    def namespaces_of(self, parameter: str) -> Collection[str]:
        _, part, name = parameter.split(".", 2)
        return self._parts[part].namespaces_of(name)

    def rows_read(self, text: Text) -> list[tuple[WordTable, int]]:
        return [found for name, embedder in self._parts.items() for found in embedder.rows_read(text.part(name))]

    def forward(self, text: Text) -> Tensor:
        return torch.cat([embedder(text.part(name)) for name, embedder in self._parts.items()], dim=-1)

    @property
    def _parts(self) -> dict[str, Embedder]:
        return {name: cast(Embedder, embedder) for name, embedder in self.embedders.named_children()}
