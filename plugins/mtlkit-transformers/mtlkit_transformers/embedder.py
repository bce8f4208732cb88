"""A pretrained transformer as the embedder of an experiment.

Shapes: B texts, T words of the longest text, C pieces of the longest word, N pieces of all texts, L layers, H size of a
state, E embedding size (H).
"""

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
from mtlkit_transformers.adaptable_layers import AdaptableLayers
from mtlkit_transformers.adapters import Adapter, num_tokens
from mtlkit_transformers.configuration import has_segments, most_tokens
from mtlkit_transformers.description import Description
from mtlkit_transformers.encoder import (
    check_forms,
    check_reads,
    empty_encoder,
    input_vectors,
    pretrained_encoder,
    stack_of,
)
from mtlkit_transformers.layout import room_of
from mtlkit_transformers.pooling import LayerMixture, Pooling
from mtlkit_transformers.sources import WEIGHTS
from mtlkit_transformers.states_once import StatesOnce
from mtlkit_transformers.tuning import check_effects, check_frozen, drop_layers, freeze_above, recompute_layers
from mtlkit_transformers.word_reader import WordReader


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
            each text are computed once and kept in the cache, and the archive keeps its digest instead of its weights,
            unless `save_encoder` is set.
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
        save_encoder: whether the run's directory and its archive hold a frozen encoder's weights, so that they can be
            used where the encoder is not. Those of a tuned encoder always are.
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
        save_encoder: bool = False,
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
        elif save_encoder:
            raise ConfigError("save_encoder: an encoder that is trained is always in the archive; leave it out")
        if files is None:  # what was trained when this was not checked can still be loaded
            check_effects(trainable, adapters, keep_as=keep_as, cuts=long_texts == "cut", overlap=overlap)
        self.trainable, self.layers, self.max_pieces = trainable, layers, max_pieces
        if files is not None:
            self._about = Description.saved(files)
        else:
            self._about = Description.found(model, revision, weights=not _is_outlined())
        self._place, self._saves_encoder = (model, revision), save_encoder
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
        self._hold(encoder, adapters)
        self._reader = self._reader_of(model, pooling, window, overlap, long_texts)
        self.room = self._reader.room
        shape = [self.output_dim] if self.mixture is None else [num_layers + 1, self.output_dim]
        self._once = StatesOnce(self._about, self._reader, keep_as, shape)

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

    def _reader_of(
        self,
        model: str,
        pooling: Pooling,
        window: int | None,
        overlap: int | None,
        long_texts: Literal["windows", "cut"],
    ) -> WordReader:
        """How words are read, with the tokens that adapters write on before those of the tokenizer."""
        pieces = self._pieces
        special = [pieces.padding] * (0 if self.adapters is None else num_tokens(self.adapters))
        before = special + pieces.before
        try:
            sizes = room_of(most_tokens(self._config), len(before) + len(pieces.after), window, overlap)
        except ConfigError as error:
            raise ConfigError(f"the encoder {model} {error}") from None
        return WordReader(
            before=before,
            after=pieces.after,
            padding=pieces.padding,
            tells_segments=has_segments(self._config) and pieces.has_segments,
            pooling=pooling,
            layers=self.layers,
            room=sizes[0],
            overlap=sizes[1] if long_texts == "windows" else 0,
            long_texts=long_texts,
        )

    def save_files(self, folder: Path) -> None:
        """Writes the encoder's configuration, tokenizer and digest."""
        self._about.save(folder)

    def save_frozen(self, folder: Path) -> None:
        """Writes the weights of a frozen encoder, if they are to be in the archive."""
        if self._saves_encoder:
            self._about.save_weights(folder, *self._place)

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

    def large_parts(self) -> Sequence[nn.Module]:
        if not self.trainable:
            return ()
        if self.datasets is not None:
            raise ConfigError(
                "dataset_embeddings: reads the encoder's table of pieces while the encoder is not run; leave it out, "
                "put the embedder 'dataset_embedding' around this one, or take trainer.shard: 'none'"
            )
        # The table of pieces by itself, so that it is not whole while the layers are run.
        return [input_vectors(self.encoder), *stack_of(self.encoder, self._config.num_hidden_layers), self.encoder]

    def namespaces_of(self, parameter: str) -> tuple[str, ...]:
        return ()

    def forward(self, text: Text) -> Tensor:
        if torch.compiler.is_exporting():
            raise ConfigError("the embedder 'transformer' arranges a text in rows by the number of its pieces")
        pieces_BTC = text.column("pieces")
        segments_BT = self._reader.segments(text.column("between_texts"))
        layers = self.layers_for_adapters
        if layers is None:
            vector_V = None if self.datasets is None else self.datasets.of(text)
            states = self._reader.states(self.encoder, pieces_BTC, segments_BT, vector_V)
        elif self.adapters is not None or layers.are_carrying:  # its own, or those of a sharing scheme
            own = None if self.adapters is None else cast(list[Adapter], list(self.adapters))
            with nullcontext() if own is None else layers.carrying(own):
                states = self._reader.states(self._frozen[0].train(self.training), pieces_BTC, segments_BT)
        else:
            states = self._once.of(self._frozen[0], pieces_BTC, segments_BT, text.mask_BT)
        states_BTE: Tensor = self.mixture(states.movedim(-2, 0)) if self.mixture is not None else states
        masked_BTE: Tensor = self.dropout(states_BTE) * text.mask_BT[..., None]
        return masked_BTE

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "TransformerEmbedder":
        """Moves a frozen encoder to the device and the precision of the rest."""
        if not self.trainable:
            self._frozen[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]  # untyped in torch
            self._once.forget()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _encoder_for(self, model: str, revision: str | None, *, fresh: bool) -> nn.Module:
        """Builds the encoder, with weights where nobody else supplies them."""
        is_read = fresh or not self.trainable
        with _naming(model):
            if self._saves_encoder:
                self._about.check_is_saved()
            if _is_outlined():
                return self._outline()
        if is_read:
            folder = self._about.folder_of_weights(model, revision)
            encoder = pretrained_encoder(folder, self._config, model)
        with _naming(model):
            if not is_read:
                encoder = empty_encoder(self._config)
            elif self._saves_encoder:
                check_forms(encoder, folder / WEIGHTS, "save it alone, by `AutoModel` and `save_pretrained`")
            check_reads(encoder, [*self._pieces.before, *self._pieces.after] or [self._pieces.padding])
        return encoder

    def _outline(self) -> nn.Module:
        """Builds the encoder without weights, once it is certain that those of an archive, if it has them, fit."""
        encoder = empty_encoder(self._config)
        if not self.trainable and self._about.saved_weights is not None:
            check_forms(encoder, self._about.saved_weights, "use another copy")
        return encoder


def _is_outlined() -> bool:
    """Whether a model is only built to see what it would be, without values of its parameters."""
    return torch.empty(0).device.type == "meta"


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
