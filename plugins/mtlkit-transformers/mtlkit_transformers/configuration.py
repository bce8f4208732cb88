"""Checks the configuration of a pretrained encoder, which may come from a stranger's archive."""

import json
from collections.abc import Mapping
from typing import Any

from mtlkit.errors import ConfigError

MOST_LAYERS, MOST_CONFIG = 200, 2**20
KINDS = frozenset(
    {
        *("albert", "bert", "camembert", "data2vec-text", "deberta", "deberta-v2", "distilbert", "electra", "ernie"),
        *("megatron-bert", "modernbert", "mpnet", "nomic_bert", "rembert", "roberta", "roberta-prelayernorm"),
        *("xlm-roberta", "xlm-roberta-xl"),
    }
)
"""The encoders that can be used, by their `model_type`.

Each reads text in both directions, and its states do not depend on padding, which is tested of every one. Those of
ConvBERT, MobileBERT, Nyströmformer and YOSO do, so that a text's states would depend on its batch.
"""
COUNT_FROM_PADDING = frozenset(
    {
        *("camembert", "data2vec-text", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl"),
    }
)
"""Kinds that count positions from the padding id on, so that they read fewer tokens than their tables have rows."""
LEFT_OUT = frozenset(
    {
        *("attn_implementation", "experts_implementation", "dtype", "torch_dtype", "output_attentions", "torchscript"),
        *("output_hidden_states", "return_dict", "use_cache", "architectures", "transformers_version"),
    }
)
"""Entries that say how to run an encoder, not what it is. An attention implementation may name code on the hub."""


def checked_config(text: str) -> Any:
    """Parses the configuration of an encoder and returns it as an object of `transformers`.

    Raises:
        ConfigError: it asks for code of its own, or is not that of an encoder that can be used. The message is to
            follow the name of the encoder.
    """
    if len(text) > MOST_CONFIG:
        raise ConfigError(f"its config.json has more than {MOST_CONFIG >> 20} MiB")
    value = json_object(text, "config.json")
    kind = value.pop("model_type", None)
    if "auto_map" in value:
        raise ConfigError("its config.json asks for Python code of its own (auto_map), which is never run")
    if "quantization_config" in value:
        raise ConfigError("its weights are quantized; use a version of it that is not")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(
            f"its config.json has the model_type {_shown(kind)}; use an encoder of one of the kinds "
            f"{', '.join(sorted(KINDS))}"
        )
    if value.get("is_decoder") or value.get("add_cross_attention"):
        raise ConfigError(
            "its config.json makes it a decoder, which does not see the words to the right; use an encoder"
        )
    config = _config_of(kind, value)
    for name in ("hidden_size", "num_hidden_layers", "vocab_size"):
        _check_number(config, name, least=1)
    if getattr(config, "max_position_embeddings", None) is not None:
        _check_number(config, "max_position_embeddings", least=1)
    if config.pad_token_id is not None:
        _check_number(config, "pad_token_id", least=0)
    if config.num_hidden_layers > MOST_LAYERS:
        raise ConfigError(f"its config.json has {config.num_hidden_layers} layers; {MOST_LAYERS} is the maximum")
    return config


def json_object(text: str, name: str) -> dict[str, Any]:
    """Parses a file of an encoder that holds a JSON object.

    Args:
        text: the content of the file.
        name: what the file is called in messages.

    Raises:
        ConfigError: it is something else. The message is to follow the name of the encoder.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError(f"its {name} is not JSON") from None
    if not isinstance(value, dict):
        raise ConfigError(f"its {name} is not a JSON object")
    return value


def most_tokens(config: Any) -> int | None:
    """The number of tokens that an encoder can read at once, special ones included; None if it states no limit."""
    limit: int | None = getattr(config, "max_position_embeddings", None)
    if limit is not None and config.model_type in COUNT_FROM_PADDING:
        limit -= (config.pad_token_id or 0) + 1
    return limit


def has_segments(config: Any) -> bool:
    """Whether an encoder tells the two texts of a pair apart by more than what stands between them."""
    return (getattr(config, "type_vocab_size", None) or 0) > 1


def _config_of(kind: str, value: Mapping[str, Any]) -> Any:
    from transformers import CONFIG_MAPPING

    kept = {name: entry for name, entry in value.items() if name not in LEFT_OUT and not name.startswith("_")}
    try:
        return CONFIG_MAPPING[kind].from_dict(kept)
    except Exception as error:  # whatever the class of an encoder's configuration does with values of other types
        reason = " ".join(str(error).split())
        raise ConfigError(f"its config.json does not fit its model_type {kind!r} ({_shown(reason)})") from None


def _check_number(config: Any, name: str, least: int) -> None:
    number = getattr(config, name, None)
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise ConfigError(f"its config.json has {name} {_shown(number)}, which is not an integer from {least} on")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) and " " in value else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
