"""A vector for each word, made from its characters.

Shapes: B batch, T time steps, W = B T words, C characters, L characters of all words without padding, F size of a
character's vector, E embedding size (filters).
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import final

import torch
from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table
from mtlkit.data.vocabulary import Vocabulary
from mtlkit.embedders.embedder import Embedder
from mtlkit.kernels.compute import Computing
from mtlkit.kernels.windows import packed
from mtlkit.kernels.windows.reference import largest_of_windows
from mtlkit.types import PositiveInt, Probability


@final
@Embedder.register("characters")
class CharacterEmbedder(Embedder, Computing):
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
        # Not nn.Embedding(...), which draws N(0, 1) first, to be overwritten; `WordTable` says what that costs.
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
        if self.training and self.dropout.p > 0:  # each occurrence of a word has a draw of its own
            vectors_WE = self._with_dropout(text.characters_BTC.flatten(0, 1))
            return vectors_WE.view(*text.mask_BT.shape, self.output_dim)
        return text.once_per_form("characters", self, self._without_dropout)

    def _without_dropout(self, characters_WC: Tensor) -> Tensor:
        if not self._packs(characters_WC):
            return self._plain(characters_WC)
        return packed.largest_of_looked_up(characters_WC, self.table.weight, *self._filters)

    def _with_dropout(self, characters_WC: Tensor) -> Tensor:
        if not self._packs(characters_WC):
            return self._plain(characters_WC)
        mask_WC = characters_WC != 0
        # The numbers that are drawn for padding are not needed, but those after them are to stay the same.
        factors_WCF = self.dropout(self.table.weight.new_ones(*characters_WC.shape, self.table.embedding_dim))
        vectors_LF = self.table(characters_WC[mask_WC]) * factors_WCF[mask_WC]
        return packed.largest_of_vectors(vectors_LF, mask_WC, *self._filters)

    def _plain(self, characters_WC: Tensor) -> Tensor:
        vectors_WCF = self.dropout(self.table(characters_WC))
        return largest_of_windows(vectors_WCF, characters_WC != 0, *self._filters)

    @property
    def _filters(self) -> tuple[Tensor, Tensor]:
        bias = self.convolution.bias
        assert bias is not None, "it is made with one"
        return self.convolution.weight, bias

    def _packs(self, characters_WC: Tensor) -> bool:
        """Whether the form without padding is the right one: on a CPU, where nothing is traced, since its shapes depend
        on the data, and not where products are to be in bfloat16, which it would round more often.
        """
        return (
            characters_WC.device.type == "cpu" and not self.compute.traceable and not torch.is_autocast_enabled("cpu")
        )
