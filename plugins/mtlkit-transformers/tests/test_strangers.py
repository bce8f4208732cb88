"""What an encoder's folder or an archive may not do."""

import json
from pathlib import Path
from typing import Any

import pytest
from mtlkit_transformers.encoder import checked_config
from mtlkit_transformers.pieces import Pieces
from mtlkit_transformers.sources import folder_of

from mtlkit.errors import ConfigError

GOOD = {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 30}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"auto_map": {"AutoModel": "code.Model"}}, "never run"),
        ({"model_type": "mine"}, "does not know"),
        ({"model_type": None}, "does not know"),
        ({"model_type": ["bert"]}, "does not know"),
        ({"model_type": "t5"}, "encoder with a decoder"),
        ({"hidden_size": "big"}, "fit|positive"),
        ({"hidden_size": -4}, "positive"),
        ({"num_hidden_layers": 10**9}, "layers"),
        ({"vocab_size": True}, "fit|positive"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        checked_config(json.dumps(GOOD | change))
    assert checked_config(json.dumps(GOOD)).hidden_size == 16


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"a": NaN', " " * 2**21])
def test_a_configuration_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.json"):
        checked_config(text)


def changed(encoders: dict[str, Path], **parts: Any) -> str:
    value = json.loads((encoders["word_pieces"] / "tokenizer.json").read_text("utf-8"))
    return json.dumps(value | parts)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}}, "pattern"),
        ({"normalizer": {"type": "Replace", "pattern": {"Regex": "(.*)*b"}, "content": ""}}, "pattern"),
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Run"}]}}, "'Run'"),
        ({"model": {"type": "Run"}}, "'Run'"),
        ({"model": None}, "cannot be built"),
        ({"added_tokens": 3}, "cannot be built"),
    ],
)
def test_a_tokenizer_with_parts_that_are_not_known_is_refused(
    encoders: dict[str, Path], parts: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        Pieces(changed(encoders, **parts), 0)
    assert Pieces(changed(encoders), 0).before


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000])
def test_a_tokenizer_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="JSON"):
        Pieces(text, 0)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("no/such", "`revision`"),
        ("nowhere", "no such folder"),
        ("package:no_such_package/model", "is installed"),
        ("package:../x", "form"),
        ("package:json/../../etc", "form"),
    ],
)
def test_an_encoder_that_is_not_there_is_one_sentence(model: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        folder_of(model, None)


def test_weights_that_are_no_safetensors_are_not_read(encoders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ConfigError, match=r"no model\.safetensors"):
        folder_of(str(tmp_path), None)
