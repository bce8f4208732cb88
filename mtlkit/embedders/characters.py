"""A vector for each word, made from its characters.

Shapes: B batch, T time steps, W = B T words, C characters, F size of a character's vector, E embedding size (filters).
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Runtime
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table
from mtlkit.data.vocabulary import Vocabulary
from mtlkit.embedders.embedder import Embedder
from mtlkit.kernels.sequences import masked_max
from mtlkit.types import PositiveInt, Probability


@final
@Embedder.register("characters")
class CharacterEmbedder(Embedder):
    """A convolution over a word's characters, followed by the maximum over all windows (Ma and Hovy 2016).

    Character vectors have size `dim` and are initialised from U(-√(3/dim), √(3/dim)); `dropout` is applied to them. A
    window of `width` is centred on each character, with zeros beyond the word's ends. A word's vector has one value per
    filter, `filters` in total.
    """

    def __init__(
        self,
        dim: PositiveInt = 30,
        filters: PositiveInt = 30,
        width: PositiveInt = 3,
        dropout: Probability = 0.0,
        *,
        vocabulary: Runtime[Vocabulary],
    ) -> None:
        super().__init__()
        self.output_dim = filters
        self._vocabulary = vocabulary
        self.reach = ((width - 1) // 2, width // 2)
        # Not nn.Embedding(...), which draws N(0, 1) first, to be overwritten; `WordEmbedder` says what that costs.
        empty = torch.empty(len(vocabulary["characters"]), dim)
        self.table = nn.Embedding.from_pretrained(empty, freeze=False, padding_idx=0)  # type: ignore[no-untyped-call]
        self.dropout = nn.Dropout(dropout)
        self.convolution = nn.Conv1d(dim, filters, width)
        nn.init.uniform_(self.table.weight, -sqrt(3 / dim), sqrt(3 / dim))
        with torch.no_grad():
            self.table.weight[0].zero_()

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return {"characters": self._vocabulary.character_ids(forms)}

    def namespaces_of(self, parameter: str) -> tuple[str, ...]:
        return ("characters",)

    def forward(self, text: Text) -> Tensor:
        characters_WC = text.characters_BTC.flatten(0, 1)
        vectors_WFC = self.dropout(self.table(characters_WC)).transpose(1, 2)
        windows_WCE = self.convolution(F.pad(vectors_WFC, self.reach)).transpose(1, 2)
        return masked_max(windows_WCE, characters_WC != 0).view(*text.mask_BT.shape, self.output_dim)
