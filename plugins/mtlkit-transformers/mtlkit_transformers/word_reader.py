"""How an encoder reads the words of a batch: their pieces in rows, and a state for each word from those of its pieces.

Shapes: B texts, T words of the longest text, C pieces of the longest word, N pieces of all texts, L layers, H size of a
state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor, nn

from mtlkit_transformers.encoder import input_vectors
from mtlkit_transformers.layout import lay_out
from mtlkit_transformers.pooling import Pooling, pool


@final
@dataclass(frozen=True)
class WordReader:
    """Reads words by an encoder, which is given with each batch."""

    before: Sequence[int]
    after: Sequence[int]
    """The ids of the special tokens before and after each row."""
    padding: int
    """The id of the padding token."""
    tells_segments: bool
    """Whether the encoder tells the two texts of a pair apart by segment ids."""
    pooling: Pooling
    layers: Literal["last", "mix"] | int
    room: int
    """The number of pieces of a window."""
    overlap: int
    """The number of pieces that neighbouring windows share."""
    long_texts: Literal["windows", "cut"]

    def segments(self, between_BT: Tensor) -> Tensor | None:
        """0 up to the mark between two texts, itself included, 1 after it; None if the encoder does not tell them apart
        or there is no pair.
        """
        if not self.tells_segments or not bool(between_BT.any()):
            return None
        return (between_BT.cumsum(dim=1) - between_BT).clamp(max=1)

    def states(
        self, encoder: nn.Module, pieces_BTC: Tensor, segments_BT: Tensor | None, vector_V: Tensor | None = None
    ) -> Tensor:
        """The states (B, T, H) of words, or (B, T, L, H) for a mixture of layers.

        Args:
            encoder: the encoder.
            pieces_BTC: piece ids plus 1, 0 where there is none.
            segments_BT: what `segments` returned.
            vector_V: added to the input of each token; None for nothing.
        """
        if self.long_texts == "cut":
            number_BX = (pieces_BTC.flatten(1) > 0).cumsum(dim=1)
            pieces_BTC = pieces_BTC * (number_BX <= self.room).view_as(pieces_BTC)
        layout = lay_out(
            pieces_BTC,
            segments_BT,
            before=self.before,
            after=self.after,
            padding=self.padding,
            room=self.room,
            overlap=self.overlap,
        )
        every = self.layers != "last"
        given = {"input_ids": layout.ids_RP}
        if vector_V is not None:
            given = {"inputs_embeds": input_vectors(encoder)(layout.ids_RP) + vector_V}
        if layout.segments_RP is not None:
            given["token_type_ids"] = layout.segments_RP
        read = encoder(**given, attention_mask=layout.mask_RP.long(), output_hidden_states=every, return_dict=True)
        if self.layers == "mix":
            states = torch.stack(read.hidden_states, dim=2)
        else:
            states = read.hidden_states[self.layers] if isinstance(self.layers, int) else read.last_hidden_state
        batch, words = pieces_BTC.shape[:2]
        pooled = pool(states[layout.rows_N, layout.columns_N], layout.words_N, batch * words, self.pooling)
        return pooled.view(batch, words, *pooled.shape[1:])
