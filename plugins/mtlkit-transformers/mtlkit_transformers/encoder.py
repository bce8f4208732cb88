"""Builds a pretrained encoder from its configuration, which may come from a stranger's archive."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mtlkit.errors import ConfigError

MOST_LAYERS, MOST_CONFIG = 200, 2**20


def checked_config(text: str) -> Any:
    """Parses the configuration of an encoder, and returns it as `transformers` has it.

    Raises:
        ConfigError: it names code of its own, a kind of model that `transformers` does not know, or one that cannot be
            used.
    """
    from transformers import CONFIG_MAPPING

    value = _json_object(text)
    kind = value.pop("model_type", None)
    if "auto_map" in value:
        raise ConfigError("its config.json asks for Python code of its own (auto_map), which is never run")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise ConfigError(f"its config.json has the model_type {kind!r}, which transformers does not know")
    try:
        config = CONFIG_MAPPING[kind].from_dict(value)
    except Exception as error:  # whatever the class of a model's configuration does with values of other types
        raise ConfigError(f"its config.json does not fit its model_type {kind!r} ({error})") from None
    if config.is_encoder_decoder:
        raise ConfigError(f"it is a {kind}, an encoder with a decoder; use an encoder alone")
    for name in ("hidden_size", "num_hidden_layers", "vocab_size"):
        number = getattr(config, name, None)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ConfigError(f"its config.json has no {name} that is a positive integer")
    if config.num_hidden_layers > MOST_LAYERS:
        raise ConfigError(f"its config.json has {config.num_hidden_layers} layers; {MOST_LAYERS} is the most")
    return config


def empty_encoder(config: Any) -> nn.Module:
    """Builds an encoder with the weights of no training. On the meta device it takes no memory.

    Raises:
        ConfigError: the configuration does not fit the model.
    """
    from transformers import AutoModel

    try:
        model: nn.Module = AutoModel.from_config(config, trust_remote_code=False)
    except Exception as error:
        raise ConfigError(f"it cannot be built from its config.json ({error})") from None
    return _without_pooler(model)


def pretrained_encoder(folder: Path, config: Any, model: str) -> nn.Module:
    """Builds an encoder with the weights in `folder`, in float32.

    Raises:
        ConfigError: the weights do not fit the configuration.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModel
    from transformers.utils import logging

    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        loaded: nn.Module
        loaded, report = AutoModel.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError, KeyError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(f"the encoder {model}: its weights cannot be loaded ({reason})") from None
    finally:
        if bar:
            logging.enable_progress_bar()
    loaded = _without_pooler(loaded)
    names = {name for name, _ in loaded.named_parameters()}
    if missing := sorted(names & set(report["missing_keys"])):
        # transformers fills these with random numbers and only warns.
        raise ConfigError(f"the encoder {model}: its weights lack {missing[0]}; give a folder with all of them")
    return loaded


def freeze_above(encoder: nn.Module, layer: int, num_layers: int) -> None:
    """Makes all layers above one fixed, since no loss depends on them."""
    stacks = [each for each in encoder.modules() if isinstance(each, nn.ModuleList) and len(each) == num_layers]
    for each in stacks[0][layer:] if stacks else ():
        each.requires_grad_(False)


def _without_pooler(model: nn.Module) -> nn.Module:
    """Removes the layer over the first token, which nothing here reads: parameters without gradients."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]
    return model


def _json_object(text: str) -> dict[str, Any]:
    if len(text) > MOST_CONFIG:
        raise ConfigError(f"its config.json has more than {MOST_CONFIG >> 20} MiB")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError("its config.json is not JSON") from None
    if not isinstance(value, Mapping):
        raise ConfigError("its config.json is not a JSON object")
    return dict(value)
