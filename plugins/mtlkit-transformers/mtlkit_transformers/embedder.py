"""A pretrained transformer as the embedder of an experiment.

Shapes: B texts, T words of the longest text, C pieces of the longest word, N pieces of all texts, L layers, H size of a
state, E embedding size (H).
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal, Self, cast, final

import numpy as np
import torch
from torch import Tensor, nn

from mtlkit import Embedder, Lazy, PositiveInt, Probability, Runtime, Text
from mtlkit.data.columns import Table
from mtlkit.data.instance import BETWEEN_TEXTS
from mtlkit.embedders.dataset_embedding import DatasetName, DatasetVectors
from mtlkit.errors import ConfigError
from mtlkit.files import cache_folder
from mtlkit_transformers.adaptable_layers import AdaptableLayers
from mtlkit_transformers.adapters import Adapter, num_tokens
from mtlkit_transformers.configuration import has_segments, most_tokens
from mtlkit_transformers.description import Description
from mtlkit_transformers.encoder import check_reads, empty_encoder, input_vectors, pretrained_encoder
from mtlkit_transformers.kept_states import KeptStates, key_of, machine, padded
from mtlkit_transformers.layout import lay_out, room_of
from mtlkit_transformers.pooling import LayerMixture, Pooling, pool
from mtlkit_transformers.tuning import check_effects, check_frozen, drop_layers, freeze_above, recompute_layers


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
        dataset_embeddings: whether a learned vector of the text's task is added to the input of each piece (van der
            Goot et al. 2021), zero at first; or the data sets of tasks, if some share one, as in { pos: 'ewt' }.
        layer_dropout: the probability with which a batch in training leaves out a layer (LayerDrop, Fan et al. 2020).
        gradient_checkpointing: whether training keeps only the input of each layer, and computes the layer once more
            for its gradients: the same numbers in less memory and about a third more time.

    Raises:
        ConfigError: the encoder is missing, damaged, or of a kind that cannot be used; or it is frozen, and a setting
            is about its training.
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
        dataset_embeddings: bool | dict[str, DatasetName] = False,
        layer_dropout: Probability = 0.0,
        gradient_checkpointing: bool = False,
        *,
        fresh: Runtime[bool],
        files: Runtime[Path | None],
        tasks: Runtime[Sequence[str]],
    ) -> None:
        super().__init__()
        if not trainable:
            check_frozen(
                dataset_embeddings=dataset_embeddings is not False,
                layer_dropout=layer_dropout,
                gradient_checkpointing=gradient_checkpointing,
            )
        if files is None:  # what was trained when this was not checked can still be loaded
            check_effects(trainable, adapters, keep_as=keep_as, cuts=long_texts == "cut", overlap=overlap)
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
        self.datasets = _dataset_vectors(input_vectors(encoder).weight.shape[1], tasks, dataset_embeddings)
        self.leaves_out_parameters = layer_dropout > 0
        with _naming(model):
            if layer_dropout > 0:
                drop_layers(encoder, layer_dropout)
            if gradient_checkpointing:
                recompute_layers(encoder)
        self._kept: KeptStates | None = None
        self._hold(encoder, adapters)
        special = [self._pieces.padding] * (0 if self.adapters is None else num_tokens(self.adapters))
        self._before = special + self._pieces.before
        try:
            sizes = room_of(most_tokens(self._config), len(self._before) + len(self._pieces.after), window, overlap)
        except ConfigError as error:
            raise ConfigError(f"the encoder {model} {error}") from None
        self.room, self.overlap = sizes if long_texts == "windows" else (sizes[0], 0)

    def _hold(self, encoder: nn.Module, adapters: Lazy[Adapter] | None) -> None:
        """Makes a tuned encoder a part of the module, and a frozen one the place of adapters."""
        self.adapters: nn.ModuleList | None = None
        self.layers_for_adapters: AdaptableLayers | None = None
        if self.trainable:
            self.encoder = encoder
            return
        # In a tuple, it is no part of the module: frozen weights are neither optimised nor saved.
        self._frozen = (encoder.requires_grad_(False).eval(),)
        num_layers: int = self._config.num_hidden_layers
        read = self.layers % (num_layers + 1) if isinstance(self.layers, int) else num_layers
        self.layers_for_adapters = AdaptableLayers(encoder, self._config, read)
        if adapters is not None:
            self.adapters = nn.ModuleList(self.layers_for_adapters.build_all(adapters))

    def save_files(self, folder: Path) -> None:
        """Writes the encoder's configuration, tokenizer and digest."""
        self._about.save(folder)

    def share_frozen(self, other: Self) -> None:
        if not self.trainable:
            self._frozen, self.layers_for_adapters = other._frozen, other.layers_for_adapters

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        pieces = self._pieces.table(forms, self.max_pieces)
        return {"pieces": pieces, "between_texts": np.array([form == BETWEEN_TEXTS for form in forms], np.int8)}

    def costs(self, tables: Mapping[str, Table]) -> Table:
        """The number of pieces of each form."""
        counts: Table = np.count_nonzero(tables["pieces"], axis=1)
        return counts

    def namespaces_of(self, parameter: str) -> tuple[str, ...]:
        return ()

    def forward(self, text: Text) -> Tensor:
        pieces_BTC = text.column("pieces")
        segments_BT = self._segments(text.column("between_texts"))
        layers = self.layers_for_adapters
        if layers is None:
            vector_V = None if self.datasets is None else self.datasets.of(text)
            states = self._states(self.encoder, pieces_BTC, segments_BT, vector_V)
        elif self.adapters is not None or layers.are_carrying:  # its own, or those of a sharing scheme
            own = None if self.adapters is None else cast(list[Adapter], list(self.adapters))
            with nullcontext() if own is None else layers.carrying(own):
                states = self._states(self._frozen[0].train(self.training), pieces_BTC, segments_BT)
        else:
            states = self._states_once(pieces_BTC, segments_BT, text.mask_BT)
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

    def _segments(self, between_BT: Tensor) -> Tensor | None:
        """0 up to the mark between two texts, itself included, 1 after it; None if the encoder does not tell them apart
        or there is no pair.
        """
        if not (has_segments(self._config) and self._pieces.has_segments) or not bool(between_BT.any()):
            return None
        return (between_BT.cumsum(dim=1) - between_BT).clamp(max=1)

    def _states(
        self, encoder: nn.Module, pieces_BTC: Tensor, segments_BT: Tensor | None, vector_V: Tensor | None = None
    ) -> Tensor:
        """The states (B, T, H) of words, or (B, T, L, H) for a mixture of layers."""
        if self.long_texts == "cut":
            number_BX = (pieces_BTC.flatten(1) > 0).cumsum(dim=1)
            pieces_BTC = pieces_BTC * (number_BX <= self.room).view_as(pieces_BTC)
        layout = lay_out(
            pieces_BTC,
            segments_BT,
            before=self._before,
            after=self._pieces.after,
            padding=self._pieces.padding,
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

    @torch.no_grad()
    def _states_once(self, pieces_BTC: Tensor, segments_BT: Tensor | None, mask_BT: Tensor) -> Tensor:
        """The states of words by a frozen encoder, from the cache where they have been computed before.

        Each text is read alone. Its states would otherwise depend, in their last bits, on the batch in which it came
        first, and a run would depend on what the cache holds.
        """
        encoder = self._frozen[0].eval()
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
                states = self._states(encoder, own_TC[None], None if own_T is None else own_T[None])[0].cpu()
            if kept is not None:
                kept.put(key, states)
                # As it comes back from the cache, also the first time.
                states = states.to(torch.bfloat16).float() if self.keep_as == "bfloat16" else states
            texts.append(states)
        return padded(texts, mask_BT)

    def _kept_states(self, precision: torch.dtype, device: torch.device) -> KeptStates | None:
        """The kept states of this encoder; None in double precision, of which nothing is kept."""
        if precision != torch.float32:
            return None
        if self._kept is None:
            shape = [self.output_dim] if self.mixture is None else [len(self.mixture.weights), self.output_dim]
            how = [self.pooling, self.layers, self.room, self.overlap, self.long_texts, self.keep_as]
            about = self._about
            what = [about.sha256, about.config_text, about.pieces.text, about.pieces.padding, how, *machine(device)]
            digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
            self._kept = KeptStates(cache_folder() / "encoder-states" / digest, shape, self.keep_as)
        return self._kept

    def _encoder_for(self, model: str, revision: str | None, *, fresh: bool) -> nn.Module:
        """Builds the encoder, with weights where nobody else supplies them."""
        outlined = torch.empty(0).device.type == "meta"
        if not outlined and (fresh or not self.trainable):
            encoder = pretrained_encoder(self._about.folder_of_weights(model, revision), self._config, model)
        with _naming(model):
            if outlined:
                return empty_encoder(self._config)
            if self.trainable and not fresh:
                encoder = empty_encoder(self._config)
            check_reads(encoder, [*self._pieces.before, *self._pieces.after] or [self._pieces.padding])
        return encoder


def _dataset_vectors(size: int, tasks: Sequence[str], asked: bool | Mapping[str, DatasetName]) -> DatasetVectors | None:
    """What the setting `dataset_embeddings` asks for."""
    return None if asked is False else DatasetVectors(size, tasks, {} if asked is True else asked)


@contextmanager
def _naming(model: str) -> Iterator[None]:
    """Begins the messages of errors with the name of the encoder."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"the encoder {model}: {error}") from None
