"""A pretrained transformer as the embedder of an experiment.

Shapes: B texts, T words of the longest text, C pieces of the longest word, N pieces of all texts, L layers, H size of a
state, E embedding size (H).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Self, cast, final

import torch
from torch import Tensor, nn

from mtlkit import Embedder, Lazy, PositiveInt, Probability, Runtime, Text
from mtlkit.data.columns import Table
from mtlkit.errors import ConfigError
from mtlkit.files import cache_folder
from mtlkit_transformers.adaptable_layers import AdaptableLayers
from mtlkit_transformers.adapters import Adapter
from mtlkit_transformers.configuration import most_tokens
from mtlkit_transformers.description import Description
from mtlkit_transformers.encoder import check_reads, empty_encoder, freeze_above, pretrained_encoder
from mtlkit_transformers.kept_states import KeptStates, key_of
from mtlkit_transformers.layout import lay_out
from mtlkit_transformers.pooling import LayerMixture, Pooling, pool


@final
@Embedder.register("transformer")
class TransformerEmbedder(Embedder):
    """The states of a pretrained encoder, one per word.

    Words are cut into pieces as the encoder was trained to read them; at most `max_pieces` of a word are read.

    Args:
        model: a folder with config.json, a tokenizer and model.safetensors; `package:NAME/FOLDER` for a folder inside
            an installed package; or a name on the Hugging Face hub. Code of the model's own is never run.
        revision: the commit of a model of the hub, 40 letters.
        trainable: whether the encoder is tuned with the tasks. If not, it is frozen: its dropout is off, its states of
            each text are computed once and kept in the cache, and the archive keeps its digest instead of its weights.
        pooling: the state of a word from those of its pieces: `first`, `last`, `mean` or `max`.
        layers: `last`; `mix`, a learned mixture of all layers (Peters et al. 2018, eq. 1); or a layer's number, where 0
            is the input of the first layer and -1 the last.
        window: the number of tokens that the encoder reads at once, special ones included; None for its own limit.
        overlap: the number of pieces that neighbouring windows of a long text share; None for a quarter of a window.
        long_texts: `windows`, or `cut`, where words beyond the first window get zeros.
        max_pieces: the maximum number of pieces of a word.
        dropout: applied to the states of words.
        adapters: what is trained inside a frozen encoder, built for each of its layers; states are then not kept. All
            tasks have the same ones, or, with the model's `share_embedder: false`, each has its own.
        keep_as: the precision of the states that a frozen encoder keeps in the cache: `float32` or `bfloat16`.

    Raises:
        ConfigError: the encoder is missing, damaged, or of a kind that cannot be used.
    """

    looks_at_neighbours = True

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        trainable: bool = True,
        pooling: Pooling = "mean",
        layers: Literal["last", "mix"] | int = "last",
        window: PositiveInt | None = None,
        overlap: int | None = None,
        long_texts: Literal["windows", "cut"] = "windows",
        max_pieces: PositiveInt = 32,
        dropout: Probability = 0.0,
        adapters: Lazy[Adapter] | None = None,
        keep_as: Literal["float32", "bfloat16"] = "float32",
        *,
        fresh: Runtime[bool],
        files: Runtime[Path | None],
    ) -> None:
        super().__init__()
        self.trainable, self.pooling, self.layers = trainable, pooling, layers
        self.long_texts, self.max_pieces, self.keep_as = long_texts, max_pieces, keep_as
        self._about = Description.saved(files) if files is not None else Description.found(model, revision)
        self._config, self._pieces = self._about.config, self._about.pieces
        num_layers = self._config.num_hidden_layers
        if isinstance(layers, int) and not -num_layers - 1 <= layers <= num_layers:
            raise ConfigError(f"the encoder {model} has {num_layers} layers, so `layers` cannot be {layers}")
        self.output_dim: int = self._config.hidden_size
        self.dropout = nn.Dropout(dropout)
        self.mixture = LayerMixture(num_layers + 1) if layers == "mix" else None
        encoder = self._encoder_for(model, revision, fresh=fresh)
        if isinstance(layers, int):
            freeze_above(encoder, layers % (num_layers + 1), num_layers)
        self._kept: KeptStates | None = None
        self.adapters: nn.ModuleList | None = None
        self.layers_for_adapters: AdaptableLayers | None = None
        if trainable:
            self.encoder = encoder
            if adapters is not None:
                raise ConfigError("adapters: are trained in the place of the encoder; set trainable: false")
        else:
            # In a tuple, it is no part of the module: frozen weights are neither optimised nor saved.
            self._frozen = (encoder.requires_grad_(False).eval(),)
            read = layers % (num_layers + 1) if isinstance(layers, int) else num_layers
            self.layers_for_adapters = AdaptableLayers(encoder, self._config, read)
            if adapters is not None:
                self.adapters = nn.ModuleList(self.layers_for_adapters.build_all(adapters))
        first = next(iter(self.adapters), None) if self.adapters is not None else None
        num_tokens = first.num_tokens if isinstance(first, Adapter) else 0
        self._before = [self._pieces.padding] * num_tokens + self._pieces.before
        self.room, self.overlap = self._windows(model, window, overlap)

    def save_files(self, folder: Path) -> None:
        """Writes the encoder's configuration, tokenizer and digest."""
        self._about.save(folder)

    def share_frozen(self, other: Self) -> None:
        if not self.trainable:
            self._frozen, self.layers_for_adapters = other._frozen, other.layers_for_adapters

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return {"pieces": self._pieces.table(forms, self.max_pieces)}

    def namespaces_of(self, parameter: str) -> tuple[str, ...]:
        return ()

    def forward(self, text: Text) -> Tensor:
        pieces_BTC = text.column("pieces")
        if self.layers_for_adapters is None:
            states = self._states(self.encoder, pieces_BTC)
        elif self.adapters is not None:
            with self.layers_for_adapters.carrying(cast(list[Adapter], list(self.adapters))):
                states = self._states(self._frozen[0].train(self.training), pieces_BTC)
        elif self.layers_for_adapters.are_carrying:  # those of a sharing scheme
            states = self._states(self._frozen[0].train(self.training), pieces_BTC)
        else:
            states = self._states_once(pieces_BTC, text.mask_BT)
        states_BTE: Tensor = self.mixture(states.movedim(-2, 0)) if self.mixture is not None else states
        masked_BTE: Tensor = self.dropout(states_BTE) * text.mask_BT[..., None]
        return masked_BTE

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "TransformerEmbedder":
        """Moves a frozen encoder to the device and the precision of the rest."""
        if not self.trainable:
            self._frozen[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]  # untyped in torch
            self._kept = None
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _states(self, encoder: nn.Module, pieces_BTC: Tensor) -> Tensor:
        """The states (B, T, H) of words, or (B, T, L, H) for a mixture of layers."""
        if self.long_texts == "cut":
            number_BX = (pieces_BTC.flatten(1) > 0).cumsum(dim=1)
            pieces_BTC = pieces_BTC * (number_BX <= self.room).view_as(pieces_BTC)
        layout = lay_out(
            pieces_BTC,
            before=self._before,
            after=self._pieces.after,
            padding=self._pieces.padding,
            room=self.room,
            overlap=self.overlap,
        )
        every = self.layers != "last"
        read = encoder(
            input_ids=layout.ids_RP, attention_mask=layout.mask_RP.long(), output_hidden_states=every, return_dict=True
        )
        if self.layers == "mix":
            states = torch.stack(read.hidden_states, dim=2)
        else:
            states = read.hidden_states[self.layers] if isinstance(self.layers, int) else read.last_hidden_state
        batch, words = pieces_BTC.shape[:2]
        pooled = pool(states[layout.rows_N, layout.columns_N], layout.words_N, batch * words, self.pooling)
        return pooled.view(batch, words, *pooled.shape[1:])

    @torch.no_grad()
    def _states_once(self, pieces_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """The states of words by a frozen encoder, from the cache where they have been computed before.

        Each text is read alone. Its states would otherwise depend, in their last bits, on the batch in which it came
        first, and a run would depend on what the cache holds.
        """
        encoder = self._frozen[0].eval()
        kept = self._kept_states(next(encoder.parameters()).dtype, pieces_BTC.device)
        texts = []
        for pieces_TC, length in zip(pieces_BTC, mask_BT.sum(dim=1).tolist(), strict=True):
            own_TC = pieces_TC[:length, : int((pieces_TC[:length] > 0).sum(dim=1).max()) if length else 0]
            key = key_of(own_TC.to("cpu", torch.int32).numpy()) if kept is not None else b""
            if kept is not None and key in kept:
                texts.append(kept.get(key).to(pieces_BTC.device, torch.float32))
                continue
            # In full precision also where the rest is not: kept states know nothing of `trainer.precision`.
            with torch.autocast(pieces_BTC.device.type, enabled=False):
                states = self._states(encoder, own_TC[None])[0]
            if kept is not None:
                kept.put(key, states)
                # As it comes back from the cache, also the first time.
                states = states.to(torch.bfloat16).float() if self.keep_as == "bfloat16" else states
            texts.append(states)
        padded = texts[0].new_zeros(*mask_BT.shape, *texts[0].shape[1:])
        for row, states in zip(padded, texts, strict=True):
            row[: len(states)] = states
        return padded

    def _kept_states(self, precision: torch.dtype, device: torch.device) -> KeptStates | None:
        """The kept states of this encoder; None in double precision, of which nothing is kept."""
        if precision != torch.float32:
            return None
        if self._kept is None:
            shape = [self.output_dim] if self.mixture is None else [len(self.mixture.weights), self.output_dim]
            how = [self.pooling, self.layers, self.room, self.overlap, self.long_texts, self.keep_as]
            about = self._about
            what = [about.sha256, about.config_text, about.pieces.text, about.pieces.padding, how, *_machine(device)]
            digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
            self._kept = KeptStates(cache_folder() / "encoder-states" / digest, shape, self.keep_as)
        return self._kept

    def _windows(self, model: str, window: int | None, overlap: int | None) -> tuple[int, int]:
        """The number of pieces of a window, and how many of them its neighbour has too."""
        special = len(self._before) + len(self._pieces.after)
        limit = most_tokens(self._config)
        tokens = limit if window is None else window
        if tokens is None:
            raise ConfigError(f"the encoder {model} states no limit of its own; set `window`")
        if limit is not None and tokens > limit:
            raise ConfigError(
                f"the encoder {model} reads at most {limit} tokens at once, so `window` cannot be {tokens}; set a "
                "smaller one"
            )
        room = tokens - special
        shared = room // 4 if overlap is None else overlap
        if room < 1 or not 0 <= shared < room:
            raise ConfigError(
                f"a window of {tokens} tokens has {max(room, 0)} pieces, so `overlap` cannot be {shared}; set a larger "
                "`window` or a smaller `overlap`"
            )
        return room, 0 if self.long_texts == "cut" else shared

    def _encoder_for(self, model: str, revision: str | None, *, fresh: bool) -> nn.Module:
        """Builds the encoder, with weights where nobody else supplies them."""
        outlined = torch.empty(0).device.type == "meta"
        if not outlined and (fresh or not self.trainable):
            encoder = pretrained_encoder(self._about.folder_of_weights(model, revision), self._config, model)
        try:
            if outlined:
                return empty_encoder(self._config)
            if self.trainable and not fresh:
                encoder = empty_encoder(self._config)
            check_reads(encoder, [*self._pieces.before, *self._pieces.after] or [self._pieces.padding])
        except ConfigError as error:
            raise ConfigError(f"the encoder {model}: {error}") from None
        return encoder


def _machine(device: torch.device) -> list[str | int]:
    """All that the last bits of states depend on besides the encoder, so that a run never depends on the cache."""
    import transformers

    versions = [torch.__version__, transformers.__version__]
    if device.type == "cuda":
        return [*versions, torch.cuda.get_device_name(device), torch.get_float32_matmul_precision()]
    return [*versions, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]
