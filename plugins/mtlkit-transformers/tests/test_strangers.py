"""What an encoder's folder or an archive may not do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from mtlkit_transformers.configuration import KINDS, checked_config
from mtlkit_transformers.description import Description
from mtlkit_transformers.encoder import check_reads, empty_encoder, pretrained_encoder
from mtlkit_transformers.pieces import Pieces
from mtlkit_transformers.sources import folder_of, folder_with_weights

from mtlkit.errors import ConfigError
from mtlkit.files import file_sha256

GOOD = {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 30}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"auto_map": {"AutoModel": "code.Model"}}, "never run"),
        ({"model_type": "mine"}, "one of the kinds albert, bert"),
        ({"model_type": None}, "one of the kinds"),
        ({"model_type": ["bert"]}, "one of the kinds"),
        ({"model_type": "t5"}, "one of the kinds"),
        ({"model_type": "convbert"}, "one of the kinds"),
        ({"is_decoder": True}, "decoder"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantized"),
        ({"hidden_size": "big"}, "fit|integer"),
        ({"hidden_size": -4}, "hidden_size -4, which is not an integer from 1 on"),
        ({"num_hidden_layers": 10**9}, "layers"),
        ({"vocab_size": True}, "fit|integer"),
        ({"max_position_embeddings": -1}, "max_position_embeddings"),
        ({"pad_token_id": -1}, "pad_token_id"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        checked_config(json.dumps(GOOD | change))
    assert checked_config(json.dumps(GOOD)).hidden_size == 16


def test_how_an_encoder_is_run_is_not_up_to_its_configuration() -> None:
    """Of an attention implementation on the hub, `transformers` would download and run the code."""
    asked = {"attn_implementation": "stranger/attention", "_attn_implementation": "stranger/attention"}
    config = checked_config(json.dumps(GOOD | asked | {"dtype": "float16", "output_attentions": True}))
    assert config._attn_implementation is None and config.dtype is None and not config.output_attentions
    assert next(empty_encoder(config).parameters()).dtype == torch.float32


@pytest.mark.parametrize("change", [{"num_hidden_layers": 150, "hidden_size": 2**14}, {"vocab_size": 2**40}])
def test_weights_smaller_than_their_configuration_says_are_refused_before_memory_is_allocated(
    encoders: dict[str, Path], change: dict[str, int]
) -> None:
    config = checked_config(json.dumps(GOOD | change))
    with pytest.raises(ConfigError, match=r"config\.json describes [\d,]{12,} numbers, and model\.safetensors holds"):
        pretrained_encoder(encoders["word_pieces"], config, "theirs")


def test_weights_that_lack_a_layer_are_refused(encoders: dict[str, Path]) -> None:
    text = (encoders["word_pieces"] / "config.json").read_text("utf-8")
    more = checked_config(json.dumps(json.loads(text) | {"num_hidden_layers": 4}))
    with pytest.raises(ConfigError, match=r"they lack encoder\.layer\.3"):
        pretrained_encoder(encoders["word_pieces"], more, "theirs")


def test_weights_of_other_shapes_are_refused(encoders: dict[str, Path]) -> None:
    text = (encoders["word_pieces"] / "config.json").read_text("utf-8")
    narrow = checked_config(json.dumps(json.loads(text) | {"intermediate_size": 23}))
    with pytest.raises(ConfigError, match=r"has not the shape that config\.json describes"):
        pretrained_encoder(encoders["word_pieces"], narrow, "theirs")


def test_an_encoder_that_reads_no_text_is_refused() -> None:
    encoder = empty_encoder(checked_config(json.dumps(GOOD | {"type_vocab_size": 0})))
    with pytest.raises(ConfigError, match="reads no text"):
        check_reads(encoder, [1, 2])


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


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_states_of_each_kind_depend_on_both_sides_and_not_on_padding(kind: str) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    value = {"model_type": kind, "vocab_size": 60, "max_position_embeddings": 20, "pad_token_id": 1, **sizes}
    encoder = empty_encoder(checked_config(json.dumps(value))).eval()
    alone = torch.tensor([[5, 6, 7, 8]])
    padded = torch.tensor([[5, 6, 7, 8, 1, 1, 1], [9, 10, 11, 12, 13, 14, 15]])
    with torch.no_grad():
        expected = encoder(input_ids=alone, attention_mask=torch.ones_like(alone)).last_hidden_state[0]
        found = encoder(input_ids=padded, attention_mask=(padded != 1).long()).last_hidden_state[0, :4]
        changed = encoder(input_ids=torch.tensor([[5, 6, 7, 9]]), attention_mask=torch.ones_like(alone))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert (changed.last_hidden_state[0, 0] - expected[0]).abs().max() > 1e-6


SAVED = ["config.json", "tokenizer.json", "source.json"]


@pytest.fixture
def saved(encoders: dict[str, Path], tmp_path: Path) -> Path:
    """What an archive holds of an encoder."""
    folder = tmp_path / "saved"
    folder.mkdir()
    Description.found(str(encoders["word_pieces"]), None).save(folder)
    return folder


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[" * 100_000, b"\xff", b"null", b"x" * 2**21])
def test_a_damaged_file_of_an_archive_is_one_sentence(saved: Path, name: str, content: bytes | None) -> None:
    (saved / name).unlink() if content is None else (saved / name).write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        Description.saved(saved)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    "change", [{"padding": "0"}, {"padding": -1}, {"padding": 10**6}, {"padding": True}, {"sha256": 3}]
)
def test_a_source_with_values_of_other_kinds_is_refused(saved: Path, change: dict[str, Any]) -> None:
    good = json.loads((saved / "source.json").read_text("utf-8"))
    assert Description.saved(saved).sha256 == good["sha256"]
    (saved / "source.json").write_text(json.dumps(good | change), "utf-8")
    with pytest.raises(ConfigError, match=r"damaged|made for it"):
        Description.saved(saved)


def test_a_tokenizer_with_more_words_than_the_encoder_has_rows_is_refused(saved: Path) -> None:
    value = json.loads((saved / "config.json").read_text("utf-8"))
    (saved / "config.json").write_text(json.dumps(value | {"vocab_size": 10}), "utf-8")
    with pytest.raises(ConfigError, match="tokenizer has the id"):
        Description.saved(saved)


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


def test_a_frozen_encoder_of_a_package_that_is_not_installed_is_looked_for_elsewhere(
    encoders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, digest = "package:no_such_package/encoders/tiny", file_sha256(encoders["word_pieces"] / "model.safetensors")
    with pytest.raises(ConfigError, match=r"install the package no_such_package, or set MTLKIT_ENCODERS .* tiny$"):
        folder_with_weights(model, None, digest)
    shutil.copytree(encoders["word_pieces"], tmp_path / "tiny")
    monkeypatch.setenv("MTLKIT_ENCODERS", str(tmp_path))
    assert folder_with_weights(model, None, digest) == tmp_path / "tiny"
