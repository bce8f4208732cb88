"""Pairs of texts are read as `transformers` reads them.

Shapes: T words, P tokens, H size of a state.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mtlkit_transformers.configuration import KINDS, checked_config, has_segments
from mtlkit_transformers.encoder import empty_encoder
from mtlkit_transformers.pieces import Pieces
from tokenizers import Tokenizer, models
from torch import Tensor

from mtlkit.data.instance import BETWEEN_TEXTS
from mtlkit.errors import ConfigError

from .conftest import Ended
from .test_kept_states import reading
from .test_runs import succeeds, write
from .test_states import KINDS as TOKENIZERS
from .test_states import embedder, text_of

PAIRS = [
    (["The", "film", "was", "GREAT"], ["unreadable", "music"]),
    (["naïve"], ["it's", "long-winded", "in", "the", "old", "town"]),
    (["a", "film"], ["\u200b"]),
]
ALONE = ["we", "like", "it"]


def directly(folder: Path, first: list[str], second: list[str]) -> Tensor:
    """The states (T, H) of a pair's words by `AutoModel` and `AutoTokenizer` alone: T words of both texts."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True)
    encoder = AutoModel.from_pretrained(folder).eval()
    encoded = tokenizer(first, second, is_split_into_words=True, return_tensors="pt", return_token_type_ids=True)
    if not has_segments(encoder.config):
        del encoded["token_type_ids"]
    with torch.no_grad():
        states_PH = encoder(**encoded).last_hidden_state[0]
    of_word = list(zip(encoded.sequence_ids(0), encoded.word_ids(0), strict=True))
    pooled = []
    for number, text in enumerate((first, second)):
        for word in range(len(text)):
            own = states_PH[[place for place, each in enumerate(of_word) if each == (number, word)]]
            pooled.append(own.mean(0) if len(own) else states_PH.new_zeros(states_PH.shape[1]))
    return torch.stack(pooled)


def joined(first: list[str], second: list[str]) -> list[str]:
    return [*first, BETWEEN_TEXTS, *second]


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("kind", TOKENIZERS)
def test_states_of_pairs_are_those_of_transformers(encoders: dict[str, Path], kind: str, trainable: bool) -> None:
    """In one batch with a text that is none."""
    built = embedder(encoders[kind], trainable=trainable)
    texts = [*(joined(*pair) for pair in PAIRS), ALONE]
    with torch.no_grad():
        found = built(text_of(texts, built))
        alone = built(text_of([ALONE], built))
    for row, (first, second) in enumerate(PAIRS):
        expected = directly(encoders[kind], first, second)
        of_texts = torch.cat([found[row, : len(first)], found[row, len(first) + 1 : len(first) + 1 + len(second)]])
        torch.testing.assert_close(of_texts, expected, rtol=0, atol=1e-6)
        assert found[row, len(first)].any(), "the mark has the state of what stands between the texts"
    torch.testing.assert_close(found[-1, :3], alone[0], rtol=0, atol=1e-6)


def test_a_pair_in_the_cache_is_no_text_with_the_same_pieces(encoders: dict[str, Path]) -> None:
    """A text may hold `[SEP]` as it stands, which is read as one text and not as two."""
    built = embedder(encoders["word_pieces"], trainable=False)
    pair, text = ["a", BETWEEN_TEXTS, "film"], ["a", "[SEP]", "film"]
    assert torch.equal(*(text_of([each], built).column("pieces") for each in (pair, text)))
    of_pair, of_text = built(text_of([pair], built)), built(text_of([text], built))
    assert not torch.allclose(of_pair, of_text)
    again = embedder(encoders["word_pieces"], trainable=False)
    with reading(again) as calls:
        kept = again(text_of([pair, text], again))
    assert torch.equal(kept, torch.cat([of_pair, of_text])) and not calls


def test_a_pair_over_several_windows_keeps_its_segments(encoders: dict[str, Path]) -> None:
    """Each window by itself, in which each token has the segment of its text."""
    built = embedder(encoders["word_pieces"], window=6, overlap=0)
    seen: list[dict[str, Tensor]] = []
    hook = built.encoder.register_forward_pre_hook(lambda _, __, given: seen.append(given), with_kwargs=True)
    built(text_of([joined(["a"] * 3, ["a"] * 6)], built))
    hook.remove()
    assert seen[0]["token_type_ids"].tolist() == [[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1]]


def test_a_tokenizer_that_joins_no_texts_is_refused(encoders: dict[str, Path]) -> None:
    plain = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    pieces = Pieces(plain.to_str(), 1)
    assert pieces.table(["a"], 3).tolist() == [[1]]
    with pytest.raises(ConfigError, match="does not join two texts"):
        pieces.table(["a", BETWEEN_TEXTS], 3)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_reads_the_segments_that_it_has(kind: str) -> None:
    value = {"model_type": kind, "vocab_size": 60, "max_position_embeddings": 20, "pad_token_id": 1}
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    config = checked_config(json.dumps(value | sizes))
    encoder = empty_encoder(config).eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    if not has_segments(config):
        assert not any("token_type" in name for name, each in encoder.named_parameters() if len(each) > 1)
        return
    with torch.no_grad():
        states = [
            encoder(input_ids=ids, token_type_ids=segments, attention_mask=torch.ones_like(ids)).last_hidden_state
            for segments in (torch.zeros_like(ids), torch.tensor([[0, 0, 1, 1]]))
        ]
    assert (states[0] - states[1]).abs().max() > 1e-6


def test_a_run_on_pairs_beside_texts(
    experiment_of: Callable[..., dict[str, Any]],
    encoders: dict[str, Path],
    run: Callable[..., Ended],
    tmp_path: Path,
) -> None:
    """From training to explanations, in one model with a task on single texts, frozen and tuned."""
    for split in ("train", "dev", "test"):
        lines = [f"{'yes' if number % 3 else 'no'}\tthe film {number}\ta {split} music\n" for number in range(12)]
        (tmp_path / f"pairs.{split}.tsv").write_text("".join(lines), "utf-8")
    pairs = {"reader": {"type": "text_pairs"}, "head": {"type": "classifier", "pool": "mean"}}
    pairs |= {split: str(tmp_path / f"pairs.{split}.tsv") for split in ("train", "dev", "test")}
    sharing = {"type": "message_passing", "hidden_dim": 6, "communicator": {"type": "indirect"}}
    for mode in (True, False):
        experiment = experiment_of(encoders["word_pieces"], sharing, trainable=mode)
        experiment["trainer"] |= {"epochs": 1, "kernels": "pure"}
        experiment["tasks"] = {"books": experiment["tasks"]["books"], "pairs": pairs}
        directory = tmp_path / f"run-{mode}"
        succeeds(run("train", write(tmp_path, experiment), "-s", directory))
        assert "pairs" in succeeds(run("evaluate", directory))
        (tmp_path / "input.txt").write_text("the film\tthe music\n", "utf-8")
        answer = succeeds(run("predict", directory, "--task", "pairs", tmp_path / "input.txt"))
        assert json.loads(answer)["words"] == ["the", "film", BETWEEN_TEXTS, "the", "music"]
        asked = ("explain", directory, "--task", "pairs", "--format", "json", "a film\ta town")
        [line] = succeeds(run(*asked)).splitlines()
        assert json.loads(line)["words"] == ["a", "film", BETWEEN_TEXTS, "a", "town"]
        succeeds(run("report", directory))
