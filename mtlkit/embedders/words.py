"""A vector for each word of the vocabulary.

Shapes: B batch, T time steps, E embedding size.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, cast, final

import torch
from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table
from mtlkit.data.namespace import Namespace
from mtlkit.data.vectors import Vectors
from mtlkit.data.vocabulary import Vocabulary
from mtlkit.embedders.embedder import Embedder
from mtlkit.embedders.word_table import WordTable
from mtlkit.errors import ConfigError
from mtlkit.types import PositiveFloat, PositiveInt, Probability


@final
@Embedder.register("words")
class WordEmbedder(Embedder):
    """A table of word vectors of size `dim`, for all tasks; `dropout` is applied to the vectors.

    `dropout_over` says for what dropout draws: for each `word` of a text, or for each `text`, where the same units are
    missing in the vectors of all its words (variational dropout of inputs, Gal and Ghahramani 2016).

    The vectors are trained with the rest of the model, or stay fixed if not `trainable`. Words with a pretrained vector
    are initialised with it. The others (`unknown`) are initialised as `uniform`, U(-init_range, init_range) as in Liu
    et al. 2019, or as `zeros`, as in the public code of an author of Chen et al. 2018. PyTorch's default N(0, 1) is not
    offered: it costs 4 points of F1 on CoNLL-2000 chunking.

    Raises:
        ConfigError: `dim` is not the size of the pretrained vectors.
    """

    def __init__(
        self,
        dim: PositiveInt = 100,
        trainable: bool = True,
        dropout: Probability = 0.0,
        init_range: PositiveFloat = 0.1,
        unknown: Literal["uniform", "zeros"] = "uniform",
        dropout_over: Literal["word", "text"] = "word",
        *,
        vocabulary: Runtime[Vocabulary],
        vectors: Runtime[Vectors | None],
    ) -> None:
        super().__init__()
        words = vocabulary["words"]
        self.output_dim = dim
        self._vocabulary = vocabulary
        self.table = WordTable(len(words), dim)
        self.dropout = nn.Dropout(dropout)
        self.dropout_over = dropout_over
        bound = init_range if unknown == "uniform" else 0.0
        nn.init.uniform_(self.table.weight, -bound, bound)
        if vectors is not None:
            self._copy(vectors, words)
        with torch.no_grad():
            self.table.weight[0].zero_()  # padding; its gradient is zero by padding_idx
        self.table.weight.requires_grad_(trainable)

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return {"words": self._vocabulary.word_ids(forms)}

    def namespaces_of(self, parameter: str) -> tuple[str, ...]:
        return ("words",)

    def rows_read(self, text: Text) -> list[tuple[WordTable, int]]:
        return [(self.table, int(text.words_BT.max()) + 1)]

    def forward(self, text: Text) -> Tensor:
        vectors_BTE: Tensor = self.table(text.words_BT)
        if self.dropout_over == "word":
            return cast(Tensor, self.dropout(vectors_BTE))
        factors_B1E: Tensor = self.dropout(torch.ones_like(vectors_BTE[:, :1]))
        return vectors_BTE * factors_B1E

    @torch.no_grad()
    def _copy(self, vectors: Vectors, words: Namespace) -> None:
        if vectors.dim != self.output_dim:
            raise ConfigError(
                f"the words embedder has dim {self.output_dim}, but the pretrained vectors have {vectors.dim} "
                f"numbers each; set its dim to {vectors.dim} or name another file in vocabulary.pretrained"
            )
        rows, found = vectors.rows(words.tokens)
        self.table.weight[torch.from_numpy(found)] = torch.from_numpy(vectors.matrix[rows[found]]).to(self.table.weight)
