"""The states of words by a frozen encoder, which reads each text once.

Shapes: B texts, T words of the longest text, C pieces of the longest word, H size of a state.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Tensor, nn

from mtlkit.files import cache_folder
from mtlkit_transformers.description import Description
from mtlkit_transformers.kept_states import KeptStates, key_of, machine, padded
from mtlkit_transformers.word_reader import WordReader


@final
class StatesOnce:
    """Reads each text alone, and takes its states from the cache where they have been computed before.

    They would otherwise depend, in their last bits, on the batch in which the text came first, and a run would depend
    on what the cache holds.

    Args:
        about: what is known of the encoder, by which its states are kept apart from others.
        reader: how it reads words.
        keep_as: the precision of the states that are kept.
        shape: the shape of a word's states.
    """

    def __init__(
        self, about: Description, reader: WordReader, keep_as: Literal["float32", "bfloat16"], shape: Sequence[int]
    ) -> None:
        self._about, self._reader, self._keep_as, self._shape = about, reader, keep_as, shape
        self._kept: KeptStates | None = None

    def forget(self) -> None:
        """Closes the files of the cache, where the encoder's device may have changed."""
        self._kept = None

    @torch.no_grad()
    def of(self, encoder: nn.Module, pieces_BTC: Tensor, segments_BT: Tensor | None, mask_BT: Tensor) -> Tensor:
        """The states of words, (B, T, ...); of the arguments, see `WordReader.states`."""
        encoder.eval()
        device = pieces_BTC.device
        kept = self._kept_states(next(encoder.parameters()).dtype, device)
        texts = []
        for number, (pieces_TC, length) in enumerate(zip(pieces_BTC, mask_BT.sum(dim=1).tolist(), strict=True)):
            own_TC = pieces_TC[:length, : int((pieces_TC[:length] > 0).sum(dim=1).max()) if length else 0]
            is_pair = segments_BT is not None and bool(segments_BT[number].any())
            own_T = segments_BT[number, :length] if segments_BT is not None and is_pair else None
            key = b"" if kept is None else key_of(own_TC, own_T)
            if kept is not None and key in kept:
                texts.append(kept.get(key).float())
                continue
            # In full precision also where the rest is not: kept states know nothing of `trainer.precision`.
            with torch.autocast(device.type, enabled=False):
                states = self._reader.states(encoder, own_TC[None], None if own_T is None else own_T[None])[0].cpu()
            if kept is not None:
                kept.put(key, states)
                # As it comes back from the cache, also the first time.
                states = states.to(torch.bfloat16).float() if self._keep_as == "bfloat16" else states
            texts.append(states)
        return padded(texts, mask_BT)

    def _kept_states(self, precision: torch.dtype, device: torch.device) -> KeptStates | None:
        """The kept states of this encoder; None in double precision, of which nothing is kept."""
        if precision != torch.float32:
            return None
        if self._kept is None:
            reader, about = self._reader, self._about
            how = [reader.pooling, reader.layers, reader.room, reader.overlap, reader.long_texts, self._keep_as]
            what = [about.sha256, about.config_text, about.pieces.text, about.pieces.padding, how, *machine(device)]
            digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
            self._kept = KeptStates(cache_folder() / "encoder-states" / digest, self._shape, self._keep_as)
        return self._kept
