"""A learned vector of the data set that a text comes from.

Shapes: B batch, T time steps, E embedding size, V size of a data set's vector.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Self, TypeAlias, final

import torch
from pydantic import StringConstraints
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table, nested, part_of
from mtlkit.data.vectors import Vectors
from mtlkit.data.vocabulary import Vocabulary
from mtlkit.embedders.embedder import Embedder
from mtlkit.embedders.word_table import WordTable
from mtlkit.errors import ComponentError
from mtlkit.types import PositiveInt

DatasetName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]
PART = "embedder"
BOUND = 0.1


@final
class DatasetVectors(nn.Module):
    """One learned vector (V,) for each data set, zero at first.

    Args:
        dim: V.
        tasks: the names of all tasks of the model, which may be some of those of the experiment, as in a stage.
        datasets: the data sets of tasks whose texts come from one source; each other task is a data set of its own.
    """

    def __init__(self, dim: int, tasks: Sequence[str], datasets: Mapping[str, str]) -> None:
        super().__init__()
        self.tasks_named = tuple(datasets)
        """The tasks that `datasets` names, each of which must be one of the experiment."""
        self._datasets = {task: datasets.get(task, task) for task in tasks}
        # By name, so that a vector keeps its meaning where a stage or a transfer has other tasks.
        for dataset in dict.fromkeys(self._datasets.values()):
            self.register_parameter(f"of_{dataset}", nn.Parameter(torch.zeros(dim)))

    def of(self, text: Text) -> Tensor:
        """Returns the vector (V,) of the data set that a text comes from.

        Raises:
            ComponentError: the text's task is not known, as where a model does not pass it on.
        """
        if text.task not in self._datasets:
            known = ", ".join(self._datasets) or "none"
            raise ComponentError(f"there is no data set for the task {text.task!r} of a text (tasks: {known})")
        return self.get_parameter(f"of_{self._datasets[text.task]}")


@final
@Embedder.register("dataset_embedding")
class DatasetEmbedder(Embedder):
    """Gives each word of `embedder` a learned vector of the data set that its text comes from.

    A shared network can then tell data sets apart where their annotations or domains differ (Stymne et al. 2018;
    van der Goot et al. 2021). Each task is a data set, unless `datasets` says that several tasks share one, as in
    { pos: 'ewt', ner: 'ewt' }.

    A vector has `dim` numbers, which are appended to those of each word; with null, it has the embedder's own size and
    is added. Appended vectors are initialised from U(-0.1, 0.1), added ones with zeros.
    """

    def __init__(
        self,
        embedder: Lazy[Embedder],
        dim: PositiveInt | None = 12,
        datasets: dict[str, DatasetName] = {},
        *,
        vocabulary: Runtime[Vocabulary],
        vectors: Runtime[Vectors | None],
        fresh: Runtime[bool],
        tasks: Runtime[Sequence[str]],
    ) -> None:
        super().__init__()
        self.embedder = embedder.build(vocabulary=vocabulary, vectors=vectors, fresh=fresh, tasks=tasks)
        self.looks_at_neighbours = self.embedder.looks_at_neighbours
        self.datasets = DatasetVectors(self.embedder.output_dim if dim is None else dim, tasks, datasets)
        self._appends = dim is not None
        self.output_dim = self.embedder.output_dim + (dim or 0)
        for vector_V in self.datasets.parameters() if self._appends else ():
            nn.init.uniform_(vector_V, -BOUND, BOUND)

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return nested({PART: self.embedder.tables(forms)})

    def costs(self, tables: Mapping[str, Table]) -> Table | None:
        return self.embedder.costs(part_of(tables, PART))

    def share_frozen(self, other: Self) -> None:
        self.embedder.share_frozen(other.embedder)

    def namespaces_of(self, parameter: str) -> Collection[str]:
        part, _, name = parameter.partition(".")
        return self.embedder.namespaces_of(name) if part == PART else ()

    def rows_read(self, text: Text) -> list[tuple[WordTable, int]]:
        return self.embedder.rows_read(text.part(PART))

    def forward(self, text: Text) -> Tensor:
        words_BTE: Tensor = self.embedder(text.part(PART))
        vector_V = self.datasets.of(text)
        if not self._appends:
            return (words_BTE + vector_V) * text.mask_BT[..., None]
        both_BTE = torch.cat([words_BTE, vector_V.expand(*text.mask_BT.shape, -1)], dim=-1)
        return both_BTE * text.mask_BT[..., None]
