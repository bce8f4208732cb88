"""What a tuned encoder does in training only: layers without gradients, layers left out, and states computed twice; and
which settings have an effect.
"""

from typing import Any

import torch
from torch import nn

from mtlkit.errors import ConfigError
from mtlkit_transformers.encoder import stack_of

RETURN_TUPLES = frozenset({"deberta", "deberta-v2", "megatron-bert", "mpnet", "rembert"})
"""Kinds whose layers return a tuple that begins with the states, where those of all others return the states alone."""


def check_frozen(**settings: object) -> None:
    """Raises ConfigError if one of the settings, which are about an encoder's training, is set for a frozen one."""
    if idle := [name for name, value in settings.items() if value]:
        raise ConfigError(f"`{idle[0]}` is for an encoder that is trained; leave it out, or set `trainable: true`")


def check_effects(trainable: bool, adapters: object, *, keep_as: str, cuts: bool, overlap: int | None) -> None:
    """Raises ConfigError if one of an embedder's settings would have no effect, as others are."""
    if trainable and adapters is not None:
        raise ConfigError("adapters: are trained in the place of the encoder; set trainable: false")
    if keep_as != "float32" and (trainable or adapters is not None):
        raise ConfigError("keep_as: only states of a frozen encoder without adapters are kept; leave it out")
    if cuts and overlap is not None:
        raise ConfigError("overlap: is of the windows of a long text, and `long_texts: 'cut'` reads one; leave it out")


def freeze_above(encoder: nn.Module, layer: int, num_layers: int) -> None:
    """Freezes all layers above a given one, on which no loss depends."""
    for each in stack_of(encoder, num_layers)[layer:]:
        each.requires_grad_(False)


def recompute_layers(encoder: nn.Module) -> None:
    """Keeps only the input of each layer for the backward pass, which computes the layer once more (Chen et al. 2016,
    gradient checkpointing). Results are the same bits, also with dropout, whose draws are repeated.

    Raises:
        ConfigError: `transformers` has no such mode for this encoder. The message is to follow the name of the encoder.
    """
    encoding: Any = encoder
    if not encoding.supports_gradient_checkpointing:
        raise ConfigError(
            f"its kind, {encoding.config.model_type}, cannot be trained with `gradient_checkpointing`; leave that out, "
            "and lower batch_size or set batch_tokens"
        )
    # The new name of the same method, which the first versions of transformers 5 lack.
    enable = getattr(encoding, "activation_checkpointing_enable", None) or encoding.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def drop_layers(encoder: nn.Module, probability: float) -> None:
    """Leaves out each layer of a batch in training with a probability (LayerDrop; Fan, Grave and Joulin 2020).

    A layer that is left out passes its input on and costs nothing. In evaluation all layers are read.

    Raises:
        ConfigError: the layers are not apart from each other. The message is to follow the name of the encoder.
    """
    config: Any = encoder.config
    layers = stack_of(encoder, config.num_hidden_layers)
    if not layers:
        raise ConfigError(f"its kind, {config.model_type}, has one layer many times; leave out `layer_dropout`")
    for layer in layers:
        _leave_out_at_random(layer, probability, in_tuple=config.model_type in RETURN_TUPLES)


def _leave_out_at_random(layer: nn.Module, probability: float, *, in_tuple: bool) -> None:
    kind: Any = type(layer)

    def forward(self: nn.Module, states_RPH: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        # Drawn on the CPU on every device: what is run does not wait for a GPU, and a resumed run draws the same.
        if self.training and float(torch.rand((), device="cpu")) < probability:
            return (states_RPH, None) if in_tuple else states_RPH
        return kind.forward(self, states_RPH, *args, **kwargs)

    # A subclass, and not a module around the layer: names of parameters stay as they are.
    layer.__class__ = type(kind.__name__, (kind,), {"forward": forward})
