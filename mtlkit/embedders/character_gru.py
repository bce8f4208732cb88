"""A vector for each word, read character by character.

Shapes: B batch, T time steps, W = B T words, C characters, F size of a character's vector, H state size of a direction.
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
from mtlkit.kernels.sequences import last_valid, reverse_within_length
from mtlkit.types import PositiveInt, Probability


@final
@Embedder.register("character_gru")
class CharacterGruEmbedder(Embedder, Computing):
    """The final states of two GRUs that read a word's characters from either end (Yang, Salakhutdinov and Cohen 2016).

    It is part of the tagger that Liu et al. 2019 reimplement as FS-MTL. Character vectors have size `dim` and are
    initialised from U(-√(3/dim), √(3/dim)); `dropout` is applied to them. A word's vector has `hidden_dim` values per
    direction.
    """

    def __init__(
        self,
        dim: PositiveInt = 30,
        hidden_dim: PositiveInt = 15,
        dropout: Probability = 0.0,
        *,
        vocabulary: Runtime[Vocabulary],
    ) -> None:
        super().__init__()
        self.output_dim = 2 * hidden_dim
        self._vocabulary = vocabulary
        self.table = nn.Embedding(len(vocabulary["characters"]), dim, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.rightward = nn.GRU(dim, hidden_dim, batch_first=True)
        self.leftward = nn.GRU(dim, hidden_dim, batch_first=True)
        nn.init.uniform_(self.table.weight, -sqrt(3 / dim), sqrt(3 / dim))
        with torch.no_grad():
            self.table.weight[0].zero_()

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return {"characters": self._vocabulary.character_ids(forms)}

    def namespaces_of(self, parameter: str) -> tuple[str, ...]:
        return ("characters",)

    def forward(self, text: Text) -> Tensor:
        if self.training and self.dropout.p > 0:  # each occurrence of a word has a draw of its own
            vectors_WE = self._vectors(text.characters_BTC.flatten(0, 1))
            return vectors_WE.view(*text.mask_BT.shape, self.output_dim)
        return text.once_per_form("characters", self, self._vectors)

    def _vectors(self, characters_WC: Tensor) -> Tensor:
        vectors_WCF = self.dropout(self.table(characters_WC))
        mask_WC = characters_WC != 0
        # A GPU would have to wait for the longest word to be found, and a traced program has no such number.
        if characters_WC.device.type == "cpu" and not self.compute.traceable:
            longest = max(int(mask_WC.sum(dim=1).max()), 1)
            vectors_WCF, mask_WC = vectors_WCF[:, :longest], mask_WC[:, :longest]
        return self._read(vectors_WCF, mask_WC)

    def _read(self, vectors_WCF: Tensor, mask_WC: Tensor) -> Tensor:
        rightward_WCH, _ = self.rightward(vectors_WCF)
        leftward_WCH, _ = self.leftward(reverse_within_length(vectors_WCF, mask_WC))
        both_WE = torch.cat([last_valid(states, mask_WC) for states in (rightward_WCH, leftward_WCH)], dim=-1)
        # Words of padding have no character, and so no last one.
        return both_WE.masked_fill(~mask_WC.any(dim=1, keepdim=True), 0.0)
